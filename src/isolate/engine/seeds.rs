//! Where V8 draws random numbers from: one generator in each isolate, which `Math.random` of every context and the hash
//! codes of objects are drawn from. It is seeded when the isolate is made, so processes that are forked later share it.
//!
//! V8 has no public function for that. These two are internal to it, in every archive, and called by their C++ names; an
//! archive without them does not link.

use std::ffi::c_void;
use std::io;

unsafe extern "C" {
    /// `v8::internal::Isolate::random_number_generator()`: the generator, made now if there is none.
    #[link_name = "_ZN2v88internal7Isolate23random_number_generatorEv"]
    fn random_number_generator(isolate: *mut c_void) -> *mut c_void;
    /// `v8::base::RandomNumberGenerator::SetSeed(int64_t)`.
    #[link_name = "_ZN2v84base21RandomNumberGenerator7SetSeedEl"]
    fn set_seed(generator: *mut c_void, seed: i64);
}

/// Seeds the generator anew. Contexts that have drawn numbers already keep some; none has before guest code ran.
pub(crate) fn renew(isolate: &mut v8::OwnedIsolate) -> io::Result<()> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    // SAFETY: the pointer is only used below, where the isolate lives and is this thread's.
    let isolate = unsafe { isolate.as_raw_isolate_ptr() };
    // SAFETY: this wrapper of the crate's is one pointer and nothing else (`repr(transparent)`); the two types have one
    // size, or this would not compile.
    let isolate: *mut c_void = unsafe { std::mem::transmute(isolate) };
    // SAFETY: `v8::Isolate` and `v8::internal::Isolate` are one object by V8's own cast; the method takes it alone, and
    // no other thread uses the isolate. What it gives belongs to the isolate and is not null.
    unsafe { set_seed(random_number_generator(isolate), i64::from_ne_bytes(seed)) };
    Ok(())
}
