// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";
import { attempt } from "./dialogs.js";
import { h } from "./dom.js";
import { isAllowed } from "./rights.js";

/**
 * The form that adds a destination to a listener.
 *
 * @param {number} listener
 */
export function addForm(listener) {
  const address = h("input", {
    id: `address-${listener}`,
    required: true,
    placeholder: "10.0.0.7:9003",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  const workers = h("input", {
    id: `workers-${listener}`,
    class: "short",
    placeholder: "N or auto",
    pattern: "\\s*([1-9][0-9]*|[Aa][Uu][Tt][Oo])\\s*",
    title: "a whole number from 1 on, or auto",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
  });
  const weight = h("input", {
    id: `weight-${listener}`,
    type: "number",
    min: 0,
    max: 256,
    step: 1,
  });
  const backup = h("input", {
    id: `backup-${listener}`,
    type: "number",
    min: 0,
    max: 256,
    step: 1,
    placeholder: "no",
  });
  const add = h("button", { "data-act": "yes" }, "Add");
  const form = h(
    "form",
    {
      submit: (event) => {
        event.preventDefault();
        if (!isAllowed(add)) return;
        attempt(`Add ${address.value}`, async () => {
          const body = {
            listener: String(listener),
            address: address.value.trim(),
            ...(workers.value.trim() && { workers: slotsIn(workers.value) }),
            ...(weight.value && { weight: weight.valueAsNumber }),
            ...(backup.value && { backup: backup.valueAsNumber }),
          };
          await ask("/destinations", { method: "POST", body });
          form.reset();
          return `${body.address} was added.`;
        });
      },
    },
    field("Address", address),
    field("Slots", workers),
    field("Weight", weight),
    field("Backup", backup),
    add,
  );
  return h("details", { class: "add acts" }, h("summary", {}, "Add a destination"), form);
}

/**
 * How many slots were asked for.
 *
 * @param {string} text
 */
function slotsIn(text) {
  const word = text.trim().toLowerCase();
  return word === "auto" ? word : Number(word);
}

/**
 * @param {string} label
 * @param {HTMLInputElement} input
 */
function field(label, input) {
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
}
