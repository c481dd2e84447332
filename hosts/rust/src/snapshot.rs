//! Snapshots: an image of a machine and its external tables in one piece of bytes, in the format of the JavaScript package
//! (`web/image/snapshot.js` has its layout). They are written uncompressed, and read in either form.

use crate::error::{BoxedError, SnapshotError, SnapshotKind};
use crate::image::{Build, digest};
use crate::store::{Store, Tables};
use crate::{Error, Result};

const MAGIC: [u8; 8] = *b"\x8bLuaIm\r\n";
const VERSION: u32 = 1;
/// Where the digested part begins.
const BODY: usize = 24;
const HEADER: usize = 60;
const COMPRESSED: u32 = 1;
const HOLDS_TABLES: u32 = 2;

/// The tables of a snapshot, with their entries.
pub(crate) type Contents = Vec<(u32, Vec<(String, Vec<u8>)>)>;

/// A snapshot that was taken apart.
pub(crate) struct Parts<'s> {
    flags: u32,
    build: [String; 3],
    image: (&'s [u8], usize),
    tables: (&'s [u8], usize),
}

fn wrong(kind: SnapshotKind, detail: impl Into<String>) -> Error {
    SnapshotError::new(kind, detail).into()
}

pub(crate) fn no_tables() -> Error {
    wrong(SnapshotKind::OtherTables, "was made without tables: it goes on with a store that has them")
}

fn damaged(detail: &str) -> Error {
    wrong(SnapshotKind::Damaged, format!("is damaged: {detail}"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// Takes a snapshot apart. Nothing is decompressed.
pub(crate) fn read(bytes: &[u8]) -> Result<Parts<'_>> {
    if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) || bytes.is_empty() {
        return Err(wrong(SnapshotKind::Foreign, "is not one of lua-persistent"));
    }
    let truncated = |least: usize| {
        wrong(SnapshotKind::Truncated, format!("is truncated: {} bytes, where at least {least} belong", bytes.len()))
    };
    if bytes.len() < 12 {
        return Err(truncated(HEADER));
    }
    let version = u32_at(bytes, 8);
    if version > VERSION {
        let detail = format!("has format version {version}, newer than {VERSION}, the newest that this release reads");
        return Err(wrong(SnapshotKind::Newer, detail));
    }
    if version < VERSION {
        return Err(damaged(&format!("format version {version}")));
    }
    let length = u32_at(bytes, 12) as usize;
    if bytes.len() < HEADER || bytes.len() < length {
        return Err(truncated(length.max(HEADER)));
    }
    if bytes.len() > length || !length.is_multiple_of(4) {
        return Err(damaged(&format!("{} bytes, where its header announces {length}", bytes.len())));
    }
    if digest(&bytes[BODY..]) != [u32_at(bytes, 16), u32_at(bytes, 20)] {
        return Err(damaged("its checksum does not match its contents"));
    }
    let flags = u32_at(bytes, 24);
    if flags > COMPRESSED | HOLDS_TABLES {
        let detail = format!("has flags 0x{flags:x}, of which this release does not know all");
        return Err(wrong(SnapshotKind::Newer, detail));
    }
    let mut at = HEADER;
    let mut take = |length: usize| {
        let part = bytes.get(at..).and_then(|rest| rest.get(..length));
        let part = part.ok_or_else(|| damaged(&format!("byte {at} points past its end")))?;
        at += length.next_multiple_of(4);
        Ok::<_, Error>(part)
    };
    let mut text = || -> Result<String> {
        let length = u32_at(take(4)?, 0);
        Ok(String::from_utf8_lossy(take(length as usize)?).into_owned())
    };
    let build = [text()?, text()?, text()?];
    let image = (take(u32_at(bytes, 44) as usize)?, u32_at(bytes, 48) as usize);
    let tables = (take(u32_at(bytes, 52) as usize)?, u32_at(bytes, 56) as usize);
    if at != bytes.len() {
        return Err(damaged(&format!("byte {at} should be its last")));
    }
    Ok(Parts { flags, build, image, tables })
}

impl Parts<'_> {
    /// The memory of the machine, without its stack.
    pub(crate) fn memory(&self, build: &Build) -> Result<Vec<u8>> {
        let [id, release, abi] = &self.build;
        if *id != build.id {
            let theirs = format!("Lua {release}, ABI {abi}, build {id}");
            let ours = format!("Lua {}, ABI {}, build {}", build.lua_release, build.abi_hash, build.id);
            return Err(wrong(
                SnapshotKind::OtherBuild,
                format!("was made by another build ({theirs}) than this ({ours})"),
            ));
        }
        if self.image.1 > build.longest() {
            return Err(damaged("its image is too large"));
        }
        let image = self.unpack(self.image)?;
        build.read(&image).ok_or_else(|| damaged("its image is not one"))
    }

    /// The tables; `None` if it was made without.
    pub(crate) fn tables(&self) -> Result<Option<Contents>> {
        if self.flags & HOLDS_TABLES == 0 {
            return Ok(None);
        }
        let bytes = self.unpack(self.tables)?;
        read_tables(&bytes).map(Some).ok_or_else(|| damaged("its tables are none"))
    }

    fn unpack(&self, (bytes, size): (&[u8], usize)) -> Result<Vec<u8>> {
        let unpacked = if self.flags & COMPRESSED == 0 {
            Some(bytes.to_vec())
        } else {
            miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(bytes, size).ok()
        };
        let unpacked = unpacked.filter(|unpacked| unpacked.len() == size);
        unpacked.ok_or_else(|| damaged("a part of it has another size than its header announces"))
    }
}

/// Writes a snapshot of a machine whose `_home` and next table have these ids.
pub(crate) fn write(build: &Build, ids: [u32; 2], image: &[u8], tables: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    let mut put = |at: usize, number: u32| bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    let table_bytes = tables.unwrap_or_default();
    put(8, VERSION);
    put(24, if tables.is_some() { HOLDS_TABLES } else { 0 });
    put(28, ids[0]);
    put(32, ids[1]);
    for (at, part) in [(44, image), (48, image), (52, table_bytes), (56, table_bytes)] {
        put(at, part.len() as u32);
    }
    // The store has no revision.
    bytes[36..44].copy_from_slice(&f64::NAN.to_le_bytes());
    let block = |bytes: &mut Vec<u8>, part: &[u8]| {
        bytes.extend_from_slice(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    };
    for text in [&build.id, &build.lua_release, &build.abi_hash] {
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        block(&mut bytes, text.as_bytes());
    }
    block(&mut bytes, image);
    block(&mut bytes, table_bytes);
    let length = bytes.len() as u32;
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    let [low, high] = digest(&bytes[BODY..]);
    bytes[16..20].copy_from_slice(&low.to_le_bytes());
    bytes[20..24].copy_from_slice(&high.to_le_bytes());
    bytes
}

/// All tables as bytes.
pub(crate) fn tables(tables: &mut Tables) -> Result<Vec<u8>, BoxedError> {
    let ids = tables.ids(0, usize::MAX)?;
    let mut bytes = (ids.len() as u32).to_le_bytes().to_vec();
    let block = |bytes: &mut Vec<u8>, part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
        bytes.extend_from_slice(part);
    };
    for id in ids {
        let keys = tables.all_keys(id)?;
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&(keys.len() as u32).to_le_bytes());
        for key in keys {
            block(&mut bytes, key.as_bytes());
            tables.get(id, &key, &mut |value| block(&mut bytes, value))?;
        }
    }
    Ok(bytes)
}

fn read_tables(bytes: &[u8]) -> Option<Contents> {
    fn number(rest: &mut &[u8]) -> Option<u32> {
        crate::boundary::take(rest).map(u32::from_le_bytes)
    }
    fn block<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
        let length = number(rest)? as usize;
        let (block, behind) = rest.split_at_checked(length)?;
        *rest = behind;
        Some(block)
    }
    let mut rest = bytes;
    let mut tables = Contents::new();
    for _ in 0..number(&mut rest)? {
        let id = number(&mut rest)?;
        if id == 0 || id == u32::MAX {
            return None;
        }
        let mut entries = Vec::new();
        for _ in 0..number(&mut rest)? {
            let key = String::from_utf8(block(&mut rest)?.to_vec()).ok()?;
            entries.push((key, block(&mut rest)?.to_vec()));
        }
        tables.push((id, entries));
    }
    rest.is_empty().then_some(tables)
}

/// Makes tables hold these entries and nothing else.
pub(crate) fn fill(tables: &mut Tables, contents: &Contents) -> Result<(), BoxedError> {
    for id in tables.ids(0, usize::MAX)? {
        tables.clear(id)?;
    }
    for (id, entries) in contents {
        for (key, value) in entries {
            tables.set(*id, key, value)?;
        }
    }
    Ok(())
}

/// Makes a store hold what `tables` wrote, and nothing else.
pub(crate) fn fill_store(store: &mut dyn Store, bytes: &[u8]) -> Result<()> {
    let contents = read_tables(bytes).ok_or_else(|| damaged("its tables are none"))?;
    let mut fill = || {
        let mut ids = Vec::new();
        store.tables(0, &mut |id| {
            ids.push(id);
            true
        })?;
        store.begin()?;
        for id in ids {
            store.clear(id)?;
        }
        for (id, entries) in &contents {
            for (key, value) in entries {
                store.set(*id, key, value)?;
            }
        }
        store.commit()
    };
    fill().map_err(Error::Store)
}
