/**
 * How people call this program at a prompt in this folder: lines that are there to be copied have to
 * work where there is no binary, too.
 */
export function calledAs(): string {
  if (Deno.build.standalone) return "iawlb";
  // With npx there is no deno outside of it.
  const isNpx = /[\\/]_npx[\\/]/.test(Deno.execPath());
  const deno = isNpx ? `npx -y deno@${Deno.version.deno}` : "deno";
  const root = new URL("../../", import.meta.url).pathname;
  return `${Deno.cwd()}/` === root ? `${deno} task start` : `${deno} run -P ${root}main.ts`;
}
