//! What a record, a schema, a policy and a tree of grids may be.
//! Checked when they are loaded or parsed, never later.
//! Held by store, seal, records, territory, purposes, access and the import.

use super::BODY_BYTES_MAX;
use std::time::Duration;

// --- store and seal ---

/// Cache of the sled engine, in bytes, unless configured.
pub const STORE_CACHE_BYTES: u64 = 1024 * 1024 * 1024;
/// Longest value in the store, in bytes (sled's pages suffer beyond it).
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Unwrapped subject keys kept in memory, with up to eight section keys beside each: about 55 MB.
pub const SUBJECT_KEYS_COUNT_MAX: usize = 65_536;
/// Opened decision attributes kept for lists: those of the grids that are listed again and again. About 30 MB.
pub const FACTS_KEPT_COUNT_MAX: usize = 32_768;

// --- records, schemas and code lists ---

/// Longest slug, in characters: ids of fields, sections, code lists, purposes and notices.
pub const SLUG_CHARACTERS_MAX: usize = 64;
/// Longest encoded facts, in bytes: every base, subject and line at its largest stays far below.
pub const FACTS_BYTES_MAX: usize = 16 * 1024;
/// Most codes in one list; GB/T 2659 (countries) has about 250.
pub const CODE_LIST_CODES_MAX: usize = 512;
/// Longest code, in characters.
pub const CODE_CHARACTERS_MAX: usize = 64;
/// Longest text that any field may hold, in characters.
pub const FIELD_TEXT_CHARACTERS_MAX: usize = 4_000;
/// Longest time that any rule may keep a record without a new look at it, in months: fifty years.
pub const RETENTION_MONTHS_MAX: u32 = 600;
/// Days that are left at least of a record whose end somebody brings about by the moment that it counts from: whoever knows better has
/// those to correct it.
pub const MOMENT_DAYS_AHEAD_MIN: i32 = 7;
/// Most fields in one set; the largest schema has fewer.
pub const RECORD_FIELDS_MAX: usize = 96;
/// Longest encoded section, in bytes. A schema whose fields could make a longer one does not load.
pub const SECTION_BYTES_MAX: usize = 24 * 1024;
/// Longest title of a field, schema, purpose or code, in characters.
pub const TITLE_CHARACTERS_MAX: usize = 120;
/// Most sections of one schema; a row keeps their number in a byte.
pub const SCHEMA_SECTIONS_MAX: usize = 24;
/// Longest data file, in bytes.
pub const DATA_FILE_BYTES_MAX: usize = 256 * 1024;
/// Longest record, in bytes, over all its sections: a row with its seals and terms stays below the store's largest value.
pub const RECORD_BYTES_MAX: usize = 48 * 1024;
/// Most items in a field that holds a list.
pub const FIELD_LIST_ITEMS_MAX: usize = 50;

// --- territory ---

/// Most grids, past ones counted; a city of ten million has about 11,500 at a time.
pub const TERRITORY_GRIDS_MAX: usize = 100_000;
/// Most cells; a split adds one.
pub const TERRITORY_CELLS_MAX: usize = 200_000;
/// Most named areas above the grids.
pub const TERRITORY_AREAS_MAX: usize = 20_000;
/// Most places that one cell may have had.
pub const CELL_MAPPINGS_MAX: usize = 256;
/// Most grids that one grid may come from.
pub const GRID_PREDECESSORS_MAX: usize = 64;
/// Most outside codes of one grid.
pub const GRID_ALIASES_MAX: usize = 8;
/// Longest name of a grid or area, in characters.
pub const AREA_NAME_CHARACTERS_MAX: usize = 60;

// --- purposes ---

/// Most purposes of a vault.
pub const PURPOSES_MAX: usize = 256;
/// Most bases of one purpose, and most notices.
pub const PURPOSE_BASES_MAX: usize = 64;
/// Most lines of business of one purpose: one that belongs to many belongs to none.
pub const PURPOSE_LINES_MAX: usize = 8;
/// Longest title, statute or assessment id, in characters.
pub const PURPOSE_TEXT_CHARACTERS_MAX: usize = 200;
/// Longest file, in bytes.
pub const PURPOSES_BYTES_MAX: usize = 512 * 1024;

// --- access ---

/// Lines in one role's policy; casbin scans them all for a refusal.
pub const LINES_COUNT_MAX: usize = 20;
/// Lines of business of all purposes together: a set of them is kept in one word.
pub const BUSINESS_LINES_COUNT_MAX: usize = 63;
/// Roles in one policy: the table keeps a cell for each point.
pub const ROLES_COUNT_MAX: usize = 64;

// --- what a caller may write freely ---

/// Longest reason of a removal, in characters.
pub const REASON_CHARACTERS_MAX: usize = 200;
/// Longest client description that is kept, sealed, in characters.
pub const DEVICE_CHARACTERS_MAX: usize = 80;

// --- import (cli) ---

/// Longest line of an import, in bytes: the longest body and what stands around it.
pub const IMPORT_LINE_BYTES_MAX: usize = BODY_BYTES_MAX + 4 * 1024;
/// Lines that an import sends in one request: far below what the vault takes, so that little is sent again after a crash.
pub const IMPORT_BATCH_LINES_MAX: usize = 1_000;
/// Bytes of lines after which a batch goes. Its answer then waits unread below the vault's own limit.
pub const IMPORT_BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of lines that wait for others to travel with.
pub const IMPORT_WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How far a waiting line may fall behind the last one that was read; it keeps the state file short.
pub const IMPORT_WAITING_LINES_MAX: u64 = 32_768;
/// Connections of one import; the vault works on as many batches at once.
pub const IMPORT_CONNECTIONS_COUNT_MAX: u8 = 16;
/// Tokens of one import: each grid of the largest city may have its own.
pub const IMPORT_HOLDERS_COUNT_MAX: usize = 20_000;
/// Longest file of tokens, in bytes.
pub const IMPORT_TOKENS_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// How often a batch is tried again while nothing of it is answered for good, before the import stops.
pub const IMPORT_ATTEMPTS_MAX: u32 = 10;
/// First pause before a batch is tried again; each further one is twice as long.
pub const IMPORT_PAUSE_MIN: Duration = Duration::from_millis(250);
/// Longest pause before a batch is tried again.
pub const IMPORT_PAUSE_MAX: Duration = Duration::from_secs(15);
/// Longest answer to a batch, in bytes.
pub const IMPORT_ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Longest wait for a batch's whole answer.
pub const IMPORT_ANSWER_TIME_MAX: Duration = Duration::from_secs(660);
