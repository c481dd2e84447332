/**
 * Lets SQLite's wasm build use open files: a VFS, as SQLite calls its layer for files. Beside `opfs-sahpool`, which comes with
 * that build, it keeps each database as the file that SQLite programs everywhere read, it never removes files when
 * it cannot open them, and its writes to the log are joined, which makes saves several times as fast.
 */

/**
 * A file that is read and written at once: a `FileSystemSyncAccessHandle`, or a layer over one.
 *
 * @typedef {object} SyncFile
 * @property {(into: Uint8Array, options: { at: number }) => number} read
 * @property {(from: Uint8Array, options: { at: number }) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => number} getSize
 * @property {() => void} flush returns when what was written is safe
 * @property {() => void} close
 */

/** What SQLite's wasm build gives: its constants and functions are known to it alone. @typedef {any} Sqlite3 */

/** @typedef {{ files: Map<string, SyncFile>, error: unknown }} Mount `error` is the last that a file raised */

const VFS_NAME = 'lua-persistent';

/** Longest path of a file. */
const LONGEST_PATH = 512;

/** The mounts of each build by the folders that they are called. @type {WeakMap<object, Map<string, Mount>>} */
const mountsOf = new WeakMap();

let mountCount = 0;

/**
 * Shows files to SQLite, as one folder.
 *
 * @param {Sqlite3} sqlite3
 * @param {Map<string, SyncFile>} files by their names
 * @returns {{ mount: Mount, folder: string, vfs: string, unmount: () => void }}
 */
export function mountFiles(sqlite3, files) {
  const mounts = mountsIn(sqlite3);
  const folder = `/${mountCount++}/`;
  /** @type {Mount} */
  const mount = { files, error: undefined };
  mounts.set(folder, mount);
  return { mount, folder, vfs: VFS_NAME, unmount: () => void mounts.delete(folder) };
}

/**
 * @param {Sqlite3} sqlite3
 * @returns {Map<string, Mount>}
 */
function mountsIn(sqlite3) {
  const known = mountsOf.get(sqlite3);
  if (known !== undefined) return known;
  /** @type {Map<string, Mount>} */
  const mounts = new Map();
  installVfs(sqlite3, mounts);
  mountsOf.set(sqlite3, mounts);
  return mounts;
}

/**
 * @param {Sqlite3} sqlite3
 * @param {Map<string, Mount>} mounts
 */
function installVfs(sqlite3, mounts) {
  const { capi, vfs, wasm } = sqlite3;
  /**
   * Open files by the addresses of SQLite's own objects for them.
   *
   * @type {Map<number, { mount: Mount, file: SyncFile }>}
   */
  const opened = new Map();
  const io = new capi.sqlite3_io_methods();
  io.$iVersion = 1;
  vfs.installVfs({ io: { struct: io, methods: fileMethods(sqlite3, opened) } });

  const system = new capi.sqlite3_vfs(capi.sqlite3_vfs_find(null));
  const struct = new capi.sqlite3_vfs();
  struct.$iVersion = 2;
  struct.$szOsFile = capi.sqlite3_file.structInfo.sizeof;
  struct.$mxPathname = LONGEST_PATH;
  for (const name of ['$xRandomness', '$xSleep', '$xCurrentTime', '$xCurrentTimeInt64']) struct[name] = system[name];
  system.dispose();

  /** @param {number} address of a path */
  const find = (address) => {
    const path = String(wasm.cstrToJs(address));
    const name = path.slice(path.indexOf('/', 1) + 1);
    const mount = mounts.get(path.slice(0, path.length - name.length));
    const file = mount === undefined ? undefined : mount.files.get(name);
    return mount === undefined || file === undefined ? null : { mount, file };
  };
  const methods = {
    xOpen(/** @type {number} */ _vfs, /** @type {number} */ path, /** @type {number} */ address, /** @type {number} */ flags, /** @type {number} */ flagsOut) {
      const found = find(path);
      if (found === null) return capi.SQLITE_CANTOPEN;
      opened.set(address, found);
      const file = new capi.sqlite3_file(address);
      file.$pMethods = io.pointer;
      file.dispose();
      if (flagsOut) wasm.poke(flagsOut, flags, 'i32');
      return 0;
    },
    // The handles stay open, so a file without bytes stands for one that is not there. It must not come back: a journal that
    // is found belongs to a transaction that is then undone.
    xDelete(/** @type {number} */ _vfs, /** @type {number} */ path) {
      const found = find(path);
      if (found === null) return 0;
      return attempt(sqlite3, found, capi.SQLITE_IOERR_DELETE, ({ file }) => {
        file.truncate(0);
        file.flush();
      });
    },
    xAccess(/** @type {number} */ _vfs, /** @type {number} */ path, /** @type {number} */ _flags, /** @type {number} */ out) {
      const found = find(path);
      wasm.poke(out, found !== null && found.file.getSize() > 0 ? 1 : 0, 'i32');
      return 0;
    },
    xFullPathname: (/** @type {number} */ _vfs, /** @type {number} */ path, /** @type {number} */ room, /** @type {number} */ out) =>
      wasm.cstrncpy(out, path, room) < room ? 0 : capi.SQLITE_CANTOPEN,
    xGetLastError: () => 0,
  };
  vfs.installVfs({ vfs: { struct, methods, name: VFS_NAME } });
}

/**
 * What SQLite does with an open file.
 *
 * @param {Sqlite3} sqlite3
 * @param {Map<number, { mount: Mount, file: SyncFile }>} opened
 */
function fileMethods(sqlite3, opened) {
  const { capi, wasm } = sqlite3;
  /**
   * @param {number} address
   * @param {number} problem what SQLite is told if it fails
   * @param {(open: { file: SyncFile }) => number | void} action
   */
  const use = (address, problem, action) => {
    const open = opened.get(address);
    return open === undefined ? problem : attempt(sqlite3, open, problem, action);
  };
  const bytes = (/** @type {number} */ start, /** @type {number} */ length) => wasm.heap8u().subarray(Number(start), Number(start) + length);
  return {
    xClose(/** @type {number} */ address) {
      opened.delete(address);
      return 0;
    },
    xRead: (/** @type {number} */ address, /** @type {number} */ into, /** @type {number} */ length, /** @type {bigint} */ at) =>
      use(address, capi.SQLITE_IOERR_READ, ({ file }) => {
        const room = bytes(into, length);
        const count = file.read(room, { at: Number(at) });
        if (count === length) return 0;
        room.fill(0, count);
        return capi.SQLITE_IOERR_SHORT_READ;
      }),
    xWrite: (/** @type {number} */ address, /** @type {number} */ from, /** @type {number} */ length, /** @type {bigint} */ at) =>
      use(address, capi.SQLITE_IOERR_WRITE, ({ file }) => {
        if (file.write(bytes(from, length), { at: Number(at) }) !== length) throw new NoRoom();
      }),
    xTruncate: (/** @type {number} */ address, /** @type {bigint} */ size) =>
      use(address, capi.SQLITE_IOERR_TRUNCATE, ({ file }) => file.truncate(Number(size))),
    xSync: (/** @type {number} */ address) => use(address, capi.SQLITE_IOERR_FSYNC, ({ file }) => file.flush()),
    xFileSize: (/** @type {number} */ address, /** @type {number} */ out) =>
      use(address, capi.SQLITE_IOERR_FSTAT, ({ file }) => {
        wasm.poke(out, BigInt(file.getSize()), 'i64');
      }),
    // Whoever has the handles has them alone.
    xLock: () => 0,
    xUnlock: () => 0,
    xCheckReservedLock(/** @type {number} */ _address, /** @type {number} */ out) {
      wasm.poke(out, 0, 'i32');
      return 0;
    },
    xFileControl: () => capi.SQLITE_NOTFOUND,
    xSectorSize: () => 4096,
    xDeviceCharacteristics: () => capi.SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN,
  };
}

/**
 * Does something with a file. An exception must not cross SQLite's code.
 *
 * @param {Sqlite3} sqlite3
 * @param {{ mount: Mount, file: SyncFile }} open
 * @param {number} problem what SQLite is told if it fails
 * @param {(open: { file: SyncFile }) => number | void} action
 * @returns {number}
 */
function attempt({ capi }, open, problem, action) {
  try {
    return action(open) || 0;
  } catch (error) {
    open.mount.error = error;
    return /** @type {Error} */ (error).name === 'QuotaExceededError' ? capi.SQLITE_FULL : problem;
  }
}

/** There is no room for what should be written. */
export class NoRoom extends Error {
  constructor() {
    super('there is no room for it');
    this.name = 'QuotaExceededError';
  }
}
