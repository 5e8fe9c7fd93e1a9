/** A line through points. */
export function line(
  points: readonly (readonly number[])[],
  color: string,
  { width = 1, dash = "" }: { width?: number; dash?: string } = {},
): string {
  const list = points.map((point) => point.map(at).join(",")).join(" ");
  const dashes = dash && ` stroke-dasharray="${dash}"`;
  return `<polyline points="${list}" fill="none" stroke="${color}" stroke-width="${width}"${dashes}/>`;
}

export function text(x: number, y: number, content: string, attributes = ""): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${at(x)}" y="${at(y)}" ${attributes}>${escaped}</text>`;
}

/** A coordinate, to a tenth. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A picture of so many pixels on white. */
export function picture({ width, height }: { width: number; height: number }, body: string) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>\n` +
    `${body}\n</svg>\n`;
}
