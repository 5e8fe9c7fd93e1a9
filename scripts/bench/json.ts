/** Numbers that JSON has none for, by what stands in their place. */
const NUMBERS = new Map([["Infinity", Infinity], ["NaN", NaN]]);

/** JSON in which every number comes back, see {@linkcode parse}. */
export function stringify(value: unknown, indent?: number): string {
  const replace = (_: string, value: unknown) =>
    typeof value === "number" && NUMBERS.has(`${value}`) ? `${value}` : value;
  return JSON.stringify(value, replace, indent);
}

export function parse(text: string): unknown {
  return JSON.parse(text, (_, value) => NUMBERS.get(value) ?? value);
}
