//! What a session is made with: JavaScript writes it to `optionsBuffer` before it makes one.

use crate::environment::peek;

use super::state::State;

/// Indices of `optionsBuffer`. The bits of the last say which of the others are set.
const DEFLATE_TABLE_SIZE_MAX: usize = 0;
const RESERVED_REMOTE_STREAMS_MAX: usize = 1;
const SEND_HEADER_BLOCK_LENGTH_MAX: usize = 2;
const PEER_CONCURRENT_STREAMS_MAX: usize = 3;
const PADDING_STRATEGY: usize = 4;
const HEADER_PAIRS_MAX: usize = 5;
const OUTSTANDING_PINGS_MAX: usize = 6;
const OUTSTANDING_SETTINGS_MAX: usize = 7;
const SESSION_MEMORY_MAX: usize = 8;
const SETTINGS_MAX: usize = 9;
const STREAM_RESET_RATE: usize = 10;
const STREAM_RESET_BURST: usize = 11;
const NO_WHITESPACE_VALIDATION: usize = 12;
const CONNECTION_WINDOW_SIZE: usize = 13;
const FLAGS: usize = 14;

/// Streams that the peer may have at once, until it says how many it allows itself.
const PEER_CONCURRENT_STREAMS: u32 = 100;

/// Header pairs of one block, unless the program says otherwise.
const HEADER_PAIRS: usize = 128;

/// A request has at least that many headers, a response one.
const HEADER_PAIRS_OF_REQUEST: usize = 4;

const OUTSTANDING: usize = 10;
const SESSION_MEMORY: u64 = 10_000_000;
const MEGABYTE: u64 = 1_000_000;

/// How frames are made longer than they need be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    None,
    /// To a multiple of eight bytes.
    Aligned,
    /// As long as they may be.
    Most,
}

/// See the module.
pub(super) struct Options {
    pub deflate_table_size_max: Option<usize>,
    pub reserved_remote_streams_max: Option<u32>,
    pub send_header_block_length_max: Option<usize>,
    pub peer_concurrent_streams_max: u32,
    pub padding: Padding,
    pub header_pairs_max: usize,
    pub outstanding_pings_max: usize,
    pub outstanding_settings_max: usize,
    pub session_memory_max: u64,
    pub settings_max: Option<usize>,
    /// How many at once, and how many a second.
    pub stream_resets: Option<(u64, u64)>,
    pub whitespace_validation: Option<bool>,
    pub connection_window_size: Option<i32>,
}

impl Options {
    pub fn read(state: &State, is_server: bool) -> Options {
        let number = |index| u32::from_ne_bytes(peek(&state.options, index));
        let flags = number(FLAGS);
        let set = |index| (flags & (1u32 << index) != 0).then(|| number(index));
        let size = |index| set(index).map(|number| number as usize);
        let least = if is_server { HEADER_PAIRS_OF_REQUEST } else { 1 };
        Options {
            deflate_table_size_max: size(DEFLATE_TABLE_SIZE_MAX),
            reserved_remote_streams_max: set(RESERVED_REMOTE_STREAMS_MAX),
            send_header_block_length_max: size(SEND_HEADER_BLOCK_LENGTH_MAX),
            peer_concurrent_streams_max: set(PEER_CONCURRENT_STREAMS_MAX).unwrap_or(PEER_CONCURRENT_STREAMS),
            padding: match set(PADDING_STRATEGY) {
                Some(1) => Padding::Aligned,
                Some(2) => Padding::Most,
                _ => Padding::None,
            },
            header_pairs_max: size(HEADER_PAIRS_MAX).unwrap_or(HEADER_PAIRS).max(least),
            outstanding_pings_max: size(OUTSTANDING_PINGS_MAX).unwrap_or(OUTSTANDING),
            outstanding_settings_max: size(OUTSTANDING_SETTINGS_MAX).unwrap_or(OUTSTANDING),
            session_memory_max: set(SESSION_MEMORY_MAX)
                .map_or(SESSION_MEMORY, |number| u64::from(number) * MEGABYTE),
            settings_max: size(SETTINGS_MAX),
            stream_resets: set(STREAM_RESET_BURST)
                .zip(set(STREAM_RESET_RATE))
                .map(|(burst, rate)| (u64::from(burst), u64::from(rate))),
            whitespace_validation: set(NO_WHITESPACE_VALIDATION).map(|without| without == 0),
            connection_window_size: set(CONNECTION_WINDOW_SIZE).and_then(|size| i32::try_from(size).ok()),
        }
    }
}
