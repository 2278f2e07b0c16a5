// The file of the SQLite store: opened for this process alone, checked to be ours and of a version we know, created
// when it is not there. Every failure is one sentence that names the file and the remedy.

import { chmodSync, closeSync, openSync } from "node:fs";
import Database from "libsql";
import { isParallelError, StoreError } from "../base/index.ts";
import { COLUMN_NAMES, COLUMN_TYPES } from "./sqlite-rows.ts";

/** An open database of `libsql`. */
export type SqliteDatabase = Database.Database;
/** A prepared statement. */
export type SqliteStatement = Database.Statement<unknown[]>;

/** Marks the file as a task store of this package (`tspt`). */
const APPLICATION_ID = 0x74737074;
/** Of the tables; a change that older programs cannot read raises it. */
const SCHEMA_VERSION = 1;
const CACHE_KIB = 16 * 1024;
/** Pages in the log before they are merged into the file: pages of indexes are written again and again until then. */
const CHECKPOINT_PAGES = 8000;

const SCHEMA = `
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY,
    ${COLUMN_NAMES.map((name, index) => `${name} ${COLUMN_TYPES[index]}`).join(",\n    ")},
    buffers_state INTEGER NOT NULL,
    result_buffers_state INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    cull_at INTEGER,
    request_block BLOB,
    result_block BLOB
  );
  CREATE UNIQUE INDEX tasks_msg_id ON tasks (msg_id);
  CREATE INDEX tasks_submitted ON tasks (submitted);
  CREATE INDEX tasks_completed ON tasks (completed) WHERE completed IS NOT NULL;
  CREATE INDEX tasks_engine ON tasks (engine_uuid) WHERE engine_uuid IS NOT NULL;
  CREATE INDEX tasks_client ON tasks (client_uuid) WHERE client_uuid IS NOT NULL;
  CREATE INDEX tasks_queue ON tasks (queue) WHERE queue IS NOT NULL;
  CREATE INDEX tasks_label ON tasks (label) WHERE label IS NOT NULL;
  CREATE INDEX tasks_cull ON tasks (cull_at) WHERE cull_at IS NOT NULL;
  CREATE INDEX tasks_open ON tasks (seq) WHERE cull_at IS NULL;
  CREATE TABLE buffers (seq INTEGER PRIMARY KEY, request BLOB, result BLOB);
  CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 0), records INTEGER NOT NULL, bytes INTEGER NOT NULL);
  INSERT INTO totals VALUES (0, 0, 0);
`;

/** Opens the store's file. Throws StoreError. */
export function openSqliteFile(path: string): SqliteDatabase {
  let database: SqliteDatabase | undefined;
  try {
    // The file is made before SQLite does, because its mode is then ours; the log beside it gets the same.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    database = new Database(path, { timeout: 0 });
    prepareFile(database, path);
    return database;
  } catch (cause) {
    if (database?.open === true) database.close();
    throw sqliteError(path, "open", cause);
  }
}

function prepareFile(database: SqliteDatabase, path: string): void {
  // Held from the first access until the end: two writers with their own counts would spoil each other's.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const isEmpty = refuseForeignFile(database, path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  if (isEmpty) database.exec(`BEGIN IMMEDIATE; ${SCHEMA}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** Whether the file is new. Throws StoreError, with nothing changed, for one that is not ours or too new. */
function refuseForeignFile(database: SqliteDatabase, path: string): boolean {
  const version = readNumber(database, "PRAGMA user_version");
  if (readNumber(database, "SELECT count(*) FROM sqlite_schema") === 0) return true;
  if (readNumber(database, "PRAGMA application_id") !== APPLICATION_ID)
    throw new StoreError(`${path} is a database of another program; name another file for the task store`);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `${path} was written by a newer version of this program (format ${version}, known is ${SCHEMA_VERSION}); use that version, or move the file away`,
    );
  }
  return false;
}

/**
 * Closes the file and gives it free at once. The driver keeps a connection open until the garbage collector finds its
 * statements; leaving the log's mode is the only way to give up the lock before. Its log is merged and removed by that.
 */
export function closeSqliteFile(database: SqliteDatabase): void {
  try {
    database.exec("PRAGMA journal_mode = DELETE; PRAGMA locking_mode = NORMAL");
    database.prepare("SELECT records FROM totals").raw().get([]);
  } catch {
    // A file that cannot be read any more is closed all the same; what was written is in the log and is found again.
  }
  database.close();
}

function readNumber(database: SqliteDatabase, sql: string): number {
  return (database.prepare(sql).raw().get([]) as [number])[0];
}

/** Turns what SQLite or the file system said into one sentence; errors that are ours already stay. */
export function sqliteError(path: string, verb: "open" | "read" | "write", cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  if (isParallelError(cause)) return new StoreError(cause.message, { cause });
  const { code, message } = cause as { readonly code?: unknown; readonly message?: unknown };
  const reason = REASONS.find(([prefix]) => typeof code === "string" && code.startsWith(prefix))?.[1] ?? `${String(message)}`;
  return new StoreError(`cannot ${verb} the task store ${path}: ${reason}`, { cause });
}

const REASONS: readonly (readonly [string, string])[] = [
  ["SQLITE_BUSY", "another process has it open; stop that controller, or name another file"],
  ["SQLITE_LOCKED", "another process has it open; stop that controller, or name another file"],
  ["SQLITE_NOTADB", "the file is not a database; move it away, or name another file"],
  ["SQLITE_CORRUPT", "the file is damaged; move it away to start with an empty one"],
  ["SQLITE_FULL", "the disk is full; free some space"],
  ["SQLITE_READONLY", "the file may not be written; correct its permissions, or name another file"],
  ["SQLITE_CANTOPEN", "the file cannot be opened; check that its directory exists and may be written"],
  ["SQLITE_IOERR", "reading or writing the disk failed; check the disk"],
  ["ENOENT", "its directory does not exist; create it, or name another file"],
  ["ENOTDIR", "its directory does not exist; create it, or name another file"],
  ["EACCES", "not permitted; correct the permissions of its directory, or name another file"],
  ["EPERM", "not permitted; correct the permissions of the file, or name another file"],
  ["EROFS", "the file system is read-only; name another file"],
  ["EISDIR", "it is a directory; name a file"],
  ["ENOSPC", "the disk is full; free some space"],
];
