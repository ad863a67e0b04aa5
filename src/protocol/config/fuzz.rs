//! Entries for fuzzing the reading of a configuration: texts in, properties checked.

use serde_json::Value;

use super::CreateVmConfig;
use crate::wire::{decode, encode_frame};

/// Reads a configuration from a JSON text, if it is one.
pub fn text(bytes: &[u8]) {
    if let Ok(document) = serde_json::from_slice(bytes) {
        self::document(&document);
    }
}

/// Panics unless a configuration that is accepted is the same after each of its encodings, and a refusal says where and
/// why.
pub fn document(document: &Value) {
    match CreateVmConfig::from_json(document) {
        Ok(config) => {
            let whole = serde_json::to_value(&config).expect("a configuration is JSON");
            assert_eq!(CreateVmConfig::from_json(&whole).as_ref(), Ok(&config));
            // As a claim carries it to a worker.
            let frame = encode_frame(&config).expect("a configuration fits a frame");
            assert_eq!(decode::<CreateVmConfig>(&frame[4..]).expect("it was encoded"), config);
        }
        Err(error) => {
            assert!(!error.path.is_empty() && !error.message.is_empty(), "{error:?}");
        }
    }
}
