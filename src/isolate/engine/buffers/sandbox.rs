//! Between the arena and V8: a range of the sandbox, and an allocator as V8 calls it.

use std::ffi::c_void;

use super::PAGE;
use super::arena::Arena;

/// Address space to ask for, and to be content with. It costs nothing until it is used. At first as much as a VM may have
/// of memory.
const RANGE: usize = 64 << 30;
const RANGE_LEAST: usize = 1 << 30;

/// The range's alignment.
const ALIGNMENT: usize = 1 << 20;

/// `v8::VirtualAddressSpace`: begins, as every C++ object with virtual functions does on the platforms that we build for,
/// with a pointer into the table of these of its class.
#[repr(C)]
struct AddressSpace {
    functions: *const usize,
}

/// `v8::PagePermissions::kNoAccess`.
const NO_ACCESS: i32 = 0;

/// What comes before the functions in such a table: where the object begins, and what its type is.
const BEFORE_FUNCTIONS: usize = 2;

/// What the crate's C++ part calls, of an allocator in Rust.
#[repr(C)]
struct Functions {
    allocate: extern "C" fn(&'static Arena, usize) -> *mut c_void,
    allocate_uninitialized: extern "C" fn(&'static Arena, usize) -> *mut c_void,
    free: extern "C" fn(&'static Arena, *mut c_void, usize),
    drop: extern "C" fn(&'static Arena),
}

unsafe extern "C" {
    /// `v8::V8::GetSandboxAddressSpace()`. Ends the process if V8 has not been initialized.
    #[link_name = "_ZN2v82V822GetSandboxAddressSpaceEv"]
    safe fn sandbox_address_space() -> *mut AddressSpace;

    /// `v8::base::VirtualAddressSubspace`'s table of virtual functions.
    #[link_name = "_ZTVN2v84base22VirtualAddressSubspaceE"]
    static SUBSPACE: [usize; BEFORE_FUNCTIONS];

    /// `v8::base::VirtualAddressSubspace::AllocatePages(hint, size, alignment, permissions)`.
    #[link_name = "_ZN2v84base22VirtualAddressSubspace13AllocatePagesEmmmNS_15PagePermissionsE"]
    fn allocate_pages(
        this: *mut AddressSpace,
        hint: usize,
        size: usize,
        alignment: usize,
        access: i32,
    ) -> usize;

    /// In the crate's own C++ part, though its Rust part has it for a V8 without a sandbox only: there is no way in it to
    /// memory inside one.
    #[link_name = "v8__ArrayBuffer__Allocator__NewRustAllocator"]
    fn new_allocator(handle: *const c_void, functions: &'static Functions) -> *mut v8::Allocator;
}

/// An arena in the sandbox. None if its address space is of another kind than we know how to ask (V8 emulates one where it
/// could not reserve all of it), or has no room. V8 must have been initialized.
pub(super) fn reserve() -> Option<Arena> {
    if rustix::param::page_size() != PAGE {
        return None;
    }
    let space = sandbox_address_space();
    // SAFETY: V8's sandbox has one for as long as the process lives. The pointer that is read there was set when it was made.
    let class = unsafe { (*space).functions };
    if class != (&raw const SUBSPACE).cast::<usize>().wrapping_add(BEFORE_FUNCTIONS) {
        return None;
    }
    let mut size = RANGE;
    while size >= RANGE_LEAST {
        // SAFETY: by its table of functions the object is a `VirtualAddressSubspace`, whose own function this is, of the
        // signature that its name tells; it is not virtual when it is called so. It takes its own lock.
        let start = unsafe { allocate_pages(space, 0, size, ALIGNMENT, NO_ACCESS) };
        if start != 0 {
            // SAFETY: the range is ours from now on, private pages without access, which V8 never frees by itself.
            return unsafe { Arena::new(std::ptr::with_exposed_provenance_mut(start), size) };
        }
        size /= 2;
    }
    None
}

/// An allocator for an isolate.
pub(super) fn allocator(arena: &'static Arena) -> v8::UniquePtr<v8::Allocator> {
    static FUNCTIONS: Functions = Functions { allocate, allocate_uninitialized, free, drop };
    // SAFETY: both references are valid for ever, and the functions take what is given as the handle here. The pointer is
    // a new object, which is the caller's.
    unsafe { v8::UniquePtr::from_raw(new_allocator(std::ptr::from_ref(arena).cast(), &FUNCTIONS)) }
}

extern "C" fn allocate(arena: &'static Arena, bytes: usize) -> *mut c_void {
    arena.allocate(bytes, true).map_or(std::ptr::null_mut(), |start| start.cast())
}

extern "C" fn allocate_uninitialized(arena: &'static Arena, bytes: usize) -> *mut c_void {
    arena.allocate(bytes, false).map_or(std::ptr::null_mut(), |start| start.cast())
}

extern "C" fn free(arena: &'static Arena, start: *mut c_void, _bytes: usize) {
    arena.free(start.cast());
}

/// The arena outlives all isolates.
extern "C" fn drop(_: &'static Arena) {}
