/** A JSON Schema, draft 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;

/** What tells the values of a metric from each other. */
export type Labels = Readonly<Record<string, string>>;

/** A value with the labels that it has besides those of what it belongs to. */
export type OwnPoint = readonly [value: number, own: Labels];

/** A number that a field gives to Prometheus and OpenTelemetry. */
export interface FieldMetric<T> {
  /** What follows the prefix; fields that have the same one share a metric. */
  readonly name: string;
  readonly kind: "counter" | "gauge";
  readonly unit: string;
  readonly help: string;
  /** Its value, or several. */
  value(field: T): number | readonly OwnPoint[];
}

/** One field of a status: the type, and all that is known of it besides. */
export interface Field<T> {
  readonly schema: Schema;
  /** The field of several threads, or of several of one name, as one; there is at least one. */
  join(all: readonly T[]): T;
  readonly metrics: readonly FieldMetric<T>[];
}

/** The fields of one thing, by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a thing with these fields is. */
export type StatusOf<F extends Fields> = {
  [N in keyof F]: F[N] extends Field<infer T> ? T : never;
};

/** A field of any type; it is the first one's unless it is said how to join. */
export function field<T>(
  schema: Schema,
  options: { join?: (all: readonly T[]) => T; metrics?: readonly FieldMetric<T>[] } = {},
): Field<T> {
  const { join = ([first]) => first!, metrics = [] } = options;
  return { schema, join, metrics };
}

/** What a number is called as a metric, and how it is exported. */
interface NumberMetric extends Omit<FieldMetric<number>, "value" | "help"> {
  /** The field's own unless given. */
  readonly help?: string;
  value?(field: number): number | readonly OwnPoint[];
}

/** Options of {@linkcode number}. */
interface NumberOptions {
  help: string;
  /** How those of several threads come together: they add up unless given. */
  join?: (all: readonly number[]) => number;
  /** Whether it may have a fraction. */
  fraction?: boolean;
  metric?: NumberMetric;
}

/** A number that is not negative; those of several threads add up unless it is said otherwise. */
export function number(options: NumberOptions): Field<number> {
  const { help, join = sum, fraction = false, metric } = options;
  const type = fraction ? "number" : "integer";
  const sentence = `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
  return field({ type, minimum: 0, description: help }, {
    join,
    metrics: metric ? [{ help: sentence, value: (value) => value, ...metric }] : [],
  });
}

/** A text, the same in all threads. */
export function text(help: string): Field<string> {
  return field({ type: "string", description: help });
}

/** Yes or no, the same in all threads. */
export function flag(help: string): Field<boolean> {
  return field({ type: "boolean", description: help });
}

/** An object that has all these members, and no others. */
export function objectSchema(properties: Readonly<Record<string, Schema>>): Schema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** The schema of a thing with these fields. */
export function schemaOf(fields: Fields): Schema {
  return objectSchema(
    Object.fromEntries(Object.entries(fields).map(([name, { schema }]) => [name, schema])),
  );
}

/** Several of a thing as one, field by field; there is at least one. */
export function join<F extends Fields>(fields: F, all: readonly StatusOf<F>[]): StatusOf<F> {
  const joined: Record<string, unknown> = {};
  for (const [name, { join }] of Object.entries(fields)) {
    joined[name] = join(all.map((one) => one[name]));
  }
  return joined as StatusOf<F>;
}

/** All of them together. */
function sum(all: readonly number[]): number {
  return all.reduce((total, number) => total + number, 0);
}
