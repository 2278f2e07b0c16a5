import { expect, it } from "vitest";
import { resolveInterface } from "../../../src/config/index.ts";

const own = { hostname: "me", addresses: ["10.0.0.5", "fd00::5"] };
const at = (address: string, location: string): string => resolveInterface({ interface: address, location }, own);

it.each([
  ["an address is used as it is", "tcp://10.1.1.1", "me", "tcp://10.1.1.1"],
  ["a wildcard without location is this machine", "tcp://*", "", "tcp://127.0.0.1"],
  ["a wildcard at this machine's name is this machine", "tcp://*", "me", "tcp://127.0.0.1"],
  ["a wildcard at one of this machine's addresses is this machine", "tcp://0.0.0.0", "10.0.0.5", "tcp://127.0.0.1"],
  ["a wildcard at localhost is this machine", "tcp://*", "localhost", "tcp://127.0.0.1"],
  ["a wildcard elsewhere is that address", "tcp://*", "10.0.0.9", "tcp://10.0.0.9"],
  ["a wildcard elsewhere by name is that name", "tcp://*", "head.example", "tcp://head.example"],
  ["a wildcard at an IPv6 address is in brackets", "tcp://*", "fd00::9", "tcp://[fd00::9]"],
])("%s", (_title, address, location, expected) => {
  expect(at(address, location)).toBe(expected);
});
