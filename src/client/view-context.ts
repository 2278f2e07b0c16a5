// What views know of their client.

import type { ResultOwner } from "./async-result.ts";
import type { ClientLink } from "./client-link.ts";

/** The client as views see it. */
export interface ViewContext extends ResultOwner {
  readonly link: ClientLink;
}
