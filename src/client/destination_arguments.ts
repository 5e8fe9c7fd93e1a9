import { AddressError } from "../net/address.ts";
import {
  DESTINATION_OPTION_FORMS,
  fieldOfDestinationOption,
  isDestinationOption,
  isMark,
  isWrittenOption,
  writtenOption,
  type WrittenOptionName,
} from "../config/options/destination.ts";
import { parsePlace, splitDestination, writeDestination } from "../config/destination_text.ts";
import { UsageError } from "../base/errors.ts";
import type {
  DestinationValue,
  DestinationValues,
  NewDestination,
} from "../operations/operations.ts";
import { quote } from "../base/text.ts";

/**
 * A destination as on the command line: `10.0.0.7:9003,workers=4,backup`.
 *
 * @throws {UsageError} If it is not one.
 */
export function readNew(text: string): NewDestination {
  const [address, ...options] = splitDestination(text);
  try {
    parsePlace(address);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new UsageError(`ADDRESS ${quote(address)}: ${error.message}`);
  }
  return { address: writeDestination(address, {}), ...valuesOf(options, isWrittenOption) };
}

/**
 * Options of a destination, each as `workers=4`; one that it has or has not also as `backup`, and as
 * `backup=false` to take it away.
 *
 * @throws {UsageError} For the first that is not allowed.
 */
export function readValues(texts: readonly string[]): DestinationValues {
  return valuesOf(texts, isDestinationOption);
}

function valuesOf(
  texts: readonly string[],
  isOption: (name: string) => name is WrittenOptionName,
): DestinationValues {
  const values: Record<string, DestinationValue> = {};
  for (const text of texts) {
    const [, name = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
    if (!isOption(name) || (value === undefined && !isMark(name))) {
      throw new UsageError(`${quote(text)}: must be ${DESTINATION_OPTION_FORMS}`);
    }
    const option = writtenOption(name);
    // A file is where the program is, and not here.
    const read = option.path && value ? value : option.parse(value ?? "true");
    if (read === undefined) {
      throw new UsageError(`${quote(text)}: ${name} must be ${option.allowed}`);
    }
    const field = fieldOfDestinationOption(name);
    if (Object.hasOwn(values, field)) {
      throw new UsageError(`${quote(text)}: ${name} is given twice`);
    }
    if (isMark(name) && /^(true|false)$/.test(value ?? "true")) values[field] = value !== "false";
    else values[field] = typeof read === "number" && /^\d+$/.test(value!) ? read : value!;
  }
  return values;
}
