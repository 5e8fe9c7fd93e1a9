import { AddressError, PLACE_FORMS } from "../net/address.ts";
import { RECORDS_FORMS } from "../net/records_name.ts";
import {
  destinationOptionNames,
  fieldOfDestinationOption,
  isMark,
  writtenOption,
  type WrittenOptionName,
} from "../config/options/destination.ts";
import { checkCommand, EXEC_FORMS, formatCommand, isExecText } from "../config/exec_address.ts";
import { execOptionNames } from "../config/options/exec.ts";
import { remoteServiceOptionNames } from "../config/options/service.ts";
import { splitDestination } from "../config/destination_text.ts";
import { SERVICE_FORMS } from "../config/service_address.ts";
import type {
  DestinationChange,
  DestinationValue,
  NewDestination,
} from "../operations/operations.ts";
import { NUMBER_PATTERN, type Option } from "../config/option.ts";
import { nearest } from "../base/text.ts";
import { HttpError, invalid } from "./responses.ts";

/** Longest text in a field; a host name has at most 253 characters. */
const MAX_TEXT = 300;

/** Most words of a program, and most characters of each. */
const MAX_WORDS = 100;
const MAX_WORD = 4096;

/** Longest text of an option. */
const MAX_OPTION = 16 * 1024;

/** One field of a body. */
interface Field<T> {
  /** What is allowed, in words that follow "must be". */
  readonly allowed: string;
  accepts(value: unknown): value is T;
}

type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a body has: each field that was given. */
type Values<F extends Fields> = { [N in keyof F]?: F[N] extends Field<infer T> ? T : never };

const STATES = ["ready", "drain", "maint"] as const;

/** The options of a destination, each with a value of its own type. */
const OPTIONS = fieldsOf(destinationOptionNames());

const NEW_DESTINATION = {
  listener: text("the number or the name of a listener"),
  address: address(`${PLACE_FORMS}, ${RECORDS_FORMS}, ${SERVICE_FORMS}, ${EXEC_FORMS}`),
  exec: {
    allowed: `a list of at most ${MAX_WORDS} texts, of at most ${MAX_WORD} characters each: a ` +
      "program and its arguments",
    accepts: (value: unknown): value is string[] =>
      Array.isArray(value) && value.length > 0 && value.length <= MAX_WORDS &&
      value.every((word) => typeof word === "string" && word.length <= MAX_WORD),
  },
  ...OPTIONS,
  ...fieldsOf(remoteServiceOptionNames()),
  ...fieldsOf(execOptionNames()),
};

const CHANGE = {
  state: {
    allowed: `one of ${STATES.join(", ")}`,
    accepts: (value: unknown): value is typeof STATES[number] => STATES.some((s) => s === value),
  },
  ...OPTIONS,
};

/**
 * A destination to be added, from the body of a request. Its address is not looked into.
 *
 * @throws {HttpError} If a field is not allowed; all that are wrong are named.
 */
export function readNewDestination(body: unknown): NewDestination {
  const isProgram = typeof body === "object" && body !== null && Object.hasOwn(body, "exec");
  const required = isProgram ? [] : ["address"];
  const { address, exec, ...rest } = readFields(body, NEW_DESTINATION, { required });
  if (exec === undefined) return { address: address!, ...rest };
  if (address !== undefined) throw invalid(["address and exec: must be one of them"]);
  return { address: addressOf(exec), ...rest };
}

/** Whether a destination is a program, which only those may have started who have shown a token. */
export function isProgram({ address }: NewDestination): boolean {
  return splitDestination(address).some(isExecText);
}

function addressOf(words: readonly string[]): string {
  try {
    return formatCommand(checkCommand(words));
  } catch (error) {
    if (error instanceof AddressError) throw invalid([`exec: ${error.message}`]);
    throw error;
  }
}

/**
 * What is to be different about a destination, from the body of a request.
 *
 * @throws {HttpError} If a field is not allowed, all that are wrong are named; or if there is none.
 */
export function readChange(body: unknown): DestinationChange {
  const change = readFields(body, CHANGE, { required: [] });
  if (Object.keys(change).length > 0) return change;
  throw invalid([`nothing to change: must have some of ${Object.keys(CHANGE).join(", ")}`]);
}

/**
 * Sees to it that nobody expects something of fields that do nothing.
 *
 * @throws {HttpError} If the body of a request is neither absent nor `{}`.
 */
export function readNothing(body: unknown): void {
  if (body !== undefined) readFields(body, {}, { required: [] });
}

function readFields<F extends Fields>(
  body: unknown,
  fields: F,
  options: { required: readonly string[] },
): Values<F> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new HttpError(400, "the body must be a JSON object");
  }
  const errors: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    // Own names only: __proto__ and constructor are unknown like any other.
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!field) errors.push(unknownField(name, Object.keys(fields)));
    else if (field.accepts(value)) values[name] = value;
    else errors.push(`${name} ${shown(value)}: must be ${field.allowed}`);
  }
  for (const name of options.required) {
    if (!Object.hasOwn(body, name)) {
      errors.push(`${name} is missing: must be ${fields[name]?.allowed}`);
    }
  }
  if (errors.length > 0) throw invalid(errors);
  return values as Values<F>;
}

function unknownField(name: string, known: readonly string[]): string {
  const hint = known.length > 0
    ? `the nearest is ${JSON.stringify(nearest(name, known))}`
    : "none is allowed here";
  return `${shown(name)}: no such field; ${hint}`;
}

/** A value as JSON, cut where it gets long. */
function shown(value: unknown): string {
  const json = JSON.stringify(value);
  return json.length <= 80 ? json : `${json.slice(0, 80)}…`;
}

function fieldsOf(
  names: readonly WrittenOptionName[],
): Readonly<Record<string, Field<DestinationValue>>> {
  return Object.fromEntries(names.map((name) => [fieldOfDestinationOption(name), fieldOf(name)]));
}

function fieldOf(name: WrittenOptionName): Field<DestinationValue> {
  const option = writtenOption(name);
  const { notation } = option;
  if (!notation?.integers) return isMark(name) ? flag(option) : words(option);
  if (isMark(name)) return flagOrNumber(option);
  const isNumber = notation.pattern === NUMBER_PATTERN;
  if (!notation.words) return isNumber ? number(option) : either(number(option), words(option));
  return either(number(option), isNumber ? oneOf(notation.words, option) : words(option));
}

/** A word beside numbers, which are no texts. */
function oneOf(all: readonly string[], { allowed }: Option<unknown>): Field<string> {
  return {
    allowed,
    accepts: (value): value is string => typeof value === "string" && all.includes(value),
  };
}

function either<A, B>(first: Field<A>, second: Field<B>): Field<A | B> {
  return {
    allowed: second.allowed,
    accepts: (value): value is A | B => first.accepts(value) || second.accepts(value),
  };
}

function flag({ allowed }: Option<unknown>): Field<boolean> {
  return { allowed, accepts: (value) => typeof value === "boolean" };
}

function flagOrNumber(option: Option<unknown>): Field<boolean | number> {
  const { allowed, accepts } = number(option);
  return {
    allowed,
    accepts: (value): value is boolean | number => typeof value === "boolean" || accepts(value),
  };
}

function number(option: Option<unknown>): Field<number> {
  return {
    allowed: option.allowed,
    accepts: (value): value is number =>
      typeof value === "number" && option.parse(String(value)) !== undefined,
  };
}

/** The text of an option. */
function words(option: Option<unknown>): Field<string> {
  const { words, pattern } = option.notation ?? {};
  const limit = words && !pattern ? "" : `, at most ${MAX_OPTION} characters`;
  return {
    allowed: option.allowed + limit,
    accepts: (value): value is string =>
      typeof value === "string" && value.length <= MAX_OPTION &&
      // What is wrong with a file is told where it is read.
      (option.path === true || option.parse(value) !== undefined),
  };
}

function address(allowed: string): Field<string> {
  const { allowed: limited, accepts } = text(allowed);
  return {
    allowed: `${limited}, a program at most ${MAX_OPTION}`,
    accepts: (value): value is string =>
      accepts(value) ||
      (typeof value === "string" && isExecText(value) && value.length <= MAX_OPTION),
  };
}

function text(allowed: string): Field<string> {
  return {
    allowed: `${allowed}, at most ${MAX_TEXT} characters`,
    accepts: (value): value is string =>
      typeof value === "string" && value.length > 0 && value.length <= MAX_TEXT,
  };
}
