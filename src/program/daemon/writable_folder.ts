/** Whether files can be made, and removed, in a folder. */
export function canWriteIn(folder: string): boolean {
  try {
    Deno.removeSync(Deno.makeTempFileSync({ dir: folder, prefix: ".iawlb-" }));
    return true;
  } catch {
    return false;
  }
}
