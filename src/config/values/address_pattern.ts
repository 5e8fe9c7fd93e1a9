import { RESERVED_WORDS } from "../../net/address.ts";

// Parts of regular expressions, for schemas.

/** A number, or the name of a service. */
export const PORT_PATTERN = "[A-Za-z0-9][A-Za-z0-9._+*-]{0,31}";

/** Before a host: what follows does not begin with a reserved word. */
export const NO_RESERVED_WORD = `(?!(${RESERVED_WORDS.join("|")}):)`;
