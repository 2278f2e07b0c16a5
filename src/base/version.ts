// The package's version, where every room can read it; a test keeps it in step with package.json.

/** Version of this package. */
export const VERSION = "0.1.0";
