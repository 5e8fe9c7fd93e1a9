import fc from "fast-check";

/**
 * Properties are tried with the same cases each time, so that a run tells of the change at hand. Other
 * cases: `IAWLB_PROPERTY_SEED=N`, or `random`; a failure prints the seed it came from.
 */
const seed = Deno.env.get("IAWLB_PROPERTY_SEED") ?? "1";
fc.configureGlobal({
  seed: seed === "random" ? Math.floor(Math.random() * 2 ** 31) : Number(seed),
});

export { fc };
