//! What JavaScript and native code both know of a session: a few bytes of memory, as `fields` of its object. JavaScript
//! may write anything to them at any time.

/// Bytes, and where in them a number lies.
pub(super) const LENGTH: usize = 12;
const BITS: usize = 0;
const PRIORITY_LISTENERS: usize = 1;
const INVALID_FRAMES_MAX: usize = 4;
const REJECTED_STREAMS_MAX: usize = 8;

/// Bits of the first byte.
const HAS_SETTINGS_LISTENERS: u8 = 1 << 0;
const SETTINGS_ARE_CURRENT: u8 = 1 << 1;
const HAS_PING_LISTENERS: u8 = 1 << 2;
const HAS_ALTSVC_LISTENERS: u8 = 1 << 3;

/// What is tolerated unless the program says otherwise.
const INVALID_FRAMES: u32 = 1000;
const REJECTED_STREAMS: u32 = 100;

/// See the module.
pub(super) struct Fields(v8::SharedRef<v8::BackingStore>);

impl Fields {
    pub fn new(store: v8::SharedRef<v8::BackingStore>) -> Fields {
        let fields = Fields(store);
        fields.set_number(INVALID_FRAMES_MAX, INVALID_FRAMES);
        fields.set_number(REJECTED_STREAMS_MAX, REJECTED_STREAMS);
        fields
    }

    fn byte(&self, index: usize) -> u8 {
        self.0.get(index..index + 1).and_then(|cells| cells.first()).map_or(0, |cell| cell.get())
    }

    fn number(&self, index: usize) -> u32 {
        u32::from_ne_bytes([0, 1, 2, 3].map(|offset| self.byte(index + offset)))
    }

    fn set_number(&self, index: usize, number: u32) {
        if let Some(cells) = self.0.get(index..index + 4) {
            for (cell, byte) in cells.iter().zip(number.to_ne_bytes()) {
                cell.set(byte);
            }
        }
    }

    pub fn has_priority_listeners(&self) -> bool {
        self.byte(PRIORITY_LISTENERS) > 0
    }

    pub fn invalid_frames_max(&self) -> u32 {
        self.number(INVALID_FRAMES_MAX)
    }

    pub fn rejected_streams_max(&self) -> u32 {
        self.number(REJECTED_STREAMS_MAX)
    }

    pub fn has_settings_listeners(&self) -> bool {
        self.byte(BITS) & HAS_SETTINGS_LISTENERS != 0
    }

    pub fn has_ping_listeners(&self) -> bool {
        self.byte(BITS) & HAS_PING_LISTENERS != 0
    }

    pub fn has_altsvc_listeners(&self) -> bool {
        self.byte(BITS) & HAS_ALTSVC_LISTENERS != 0
    }

    /// What JavaScript knows of the peer's settings is not so any more.
    pub fn outdate_settings(&self) {
        if let Some(cell) = self.0.get(BITS..BITS + 1).and_then(|cells| cells.first()) {
            cell.set(cell.get() & !SETTINGS_ARE_CURRENT);
        }
    }
}
