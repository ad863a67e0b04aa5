//! `wasi:random` over the kernel's source of random bytes. What WASI calls insecure is just as good here.

use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use super::super::guest::Guest;

/// Random bytes that one call gives; asking for more is an error of the program.
const MOST_BYTES: u64 = 1 << 20;

impl Guest {
    fn random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MOST_BYTES {
            wasmtime::bail!("{len} random bytes at once; {MOST_BYTES} are the most");
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.kernel.random(&mut bytes);
        Ok(bytes)
    }

    fn random_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.kernel.random(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

impl random::Host for Guest {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

impl insecure::Host for Guest {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random_u64())
    }
}

impl insecure_seed::Host for Guest {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((self.random_u64(), self.random_u64()))
    }
}
