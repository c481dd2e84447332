/**
 * What a database of external tables consists of. docs/SQLITE.md tells those who read it with other programs.
 *
 * - `meta`: what a state says besides its tables
 * - `shapes`: lists of keys that many small tables have in common
 * - `tables`: a row for each table. A small one has its values there, as a JSON array in the order of its shape's keys, or as an
 *   object if its shape is 0; of a large one, whose shape is NULL, there are figures only
 * - `pages`: values of large tables under integer keys, 64 to a page: the value at index i of block b is that of key
 *   64 * b + 1 + i. In a page of kind 1 they are tables, by their numbers
 * - `entries`: all other entries of large tables
 *
 * Positions are numbers that grow as entries are added to large tables: they are the order of these entries.
 *
 * @import { Driver } from './driver.js'
 */

/** What a database is marked with, the bytes `LuaP`. */
export const APPLICATION = 0x4c756150;

/** The version of all that is said here. */
export const VERSION = 1;

/** Deepest nesting that the view `home_json` follows. */
const DEPTH = 32;

/** A value of `json_each` as JSON. */
const EACH = `CASE v.type WHEN 'text' THEN json_quote(v.value) WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE v.value END`;

/** The number of the table that an entry refers to. */
const TARGET = `CASE WHEN c.value LIKE '{"table":%' THEN c.value ->> 'table' END`;

const STATEMENTS = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE shapes (id INTEGER PRIMARY KEY, is_list INTEGER NOT NULL, keys TEXT NOT NULL UNIQUE);
CREATE TABLE tables (id INTEGER PRIMARY KEY, shape INTEGER, data TEXT NOT NULL);
CREATE TABLE pages (
  table_id INTEGER NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (table_id, block)
) WITHOUT ROWID;
CREATE TABLE entries (
  table_id INTEGER NOT NULL, position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (table_id, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entries_by_key ON entries (table_id, key);

CREATE VIEW contents (table_id, position, place, key, value) AS
SELECT t.id, 0, k.key, k.value, t.data -> ('$[' || k.key || ']')
  FROM tables t JOIN shapes s ON s.id = t.shape JOIN json_each(s.keys) k
UNION ALL
SELECT t.id, 0, v.id, v.key, ${EACH} FROM tables t JOIN json_each(t.data) v WHERE t.shape = 0
UNION ALL
SELECT p.table_id, p.position, v.key, '[' || (64 * p.block + 1 + v.key) || ']',
    CASE p.kind WHEN 1 THEN '{"table":' || v.value || '}' ELSE p.data -> ('$[' || v.key || ']') END
  FROM pages p JOIN json_each(p.data) v WHERE v.type <> 'null'
UNION ALL
SELECT table_id, position, 0, key, value FROM entries;

CREATE VIEW home (key, value) AS
SELECT key, value FROM contents
  WHERE table_id = (SELECT value FROM meta WHERE name = 'home') ORDER BY position, place;

CREATE VIEW home_json (json) AS
WITH RECURSIVE
  walk (path, depth, above, opened, is_list, text) AS (
    SELECT '', 0, ',', value, 0, '' FROM meta WHERE name = 'home'
    UNION ALL
    SELECT w.path || printf('%016x%04x', c.position, c.place), w.depth + 1, w.above || w.opened || ',',
      CASE WHEN ${TARGET} IS NOT NULL AND w.depth + 1 < ${DEPTH} AND instr(w.above || w.opened || ',', ',' || ${TARGET} || ',') = 0 THEN ${TARGET} END,
      coalesce((SELECT coalesce((SELECT is_list FROM shapes WHERE id = t.shape), t.data ->> 'list') FROM tables t WHERE t.id = ${TARGET}), 0),
      CASE WHEN w.is_list THEN '' ELSE json_quote(c.key) || ':' END || char(29) || c.value
    FROM walk w JOIN contents c ON c.table_id = w.opened
    WHERE w.opened IS NOT NULL AND c.key <> '[meta]'
  ),
  pieces (path, text) AS (
    SELECT path, CASE WHEN opened IS NULL THEN replace(text, char(29), '') || char(30)
        ELSE substr(text, 1, max(instr(text, char(29)) - 1, 0)) || CASE WHEN is_list THEN '[' ELSE '{' END END
      FROM walk
    UNION ALL
    SELECT path || '~', CASE WHEN is_list THEN ']' ELSE '}' END || char(30) FROM walk WHERE opened IS NOT NULL
  )
SELECT replace(rtrim(replace(replace(group_concat(text, ''), char(30) || '}', '}'), char(30) || ']', ']'), char(30)), char(30), ',')
  FROM (SELECT text FROM pieces ORDER BY path);
`;

/**
 * Makes the tables and views of a new database. It has to be in a transaction.
 *
 * @param {Driver} driver
 */
export function createSchema(driver) {
  driver.exec(STATEMENTS);
  driver.exec(`PRAGMA application_id = ${APPLICATION}; PRAGMA user_version = ${VERSION};`);
}
