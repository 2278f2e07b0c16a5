// Options of the launcher that starts everything on this machine.

/** Rows of the section `local`. */
export const LOCAL_ROWS = [
  {
    name: "local.keepFreedMemory",
    type: "boolean",
    default: false,
    flag: "--keep-freed-memory",
    traits: [],
    doc: "let controller and engines keep memory they have freed for the next large array, as far as one has up to 128 MiB, instead of giving it back to the system (Linux with glibc 2.34 or newer)",
  },
] as const;
