//! What `v8` tells of the heap: numbers, in arrays that the library reads after it has asked for them.

use std::cell::OnceCell;
use std::rc::Rc;

use isolate::library::Scope;
use serde_json::Value;

use crate::binding::{Args, Binding, Return, functions, set};
use crate::environment::{Env, poke};

pub(super) static BINDING: Binding = Binding {
    name: "v8",
    functions: functions! {
        "updateHeapStatisticsBuffer" => update_heap_statistics,
        "updateHeapSpaceStatisticsBuffer" => update_heap_space_statistics,
        "updateHeapCodeStatisticsBuffer" => update_heap_code_statistics,
        "cachedDataVersionTag" => cached_data_version_tag,
        "isStringOneByteRepresentation" => is_string_one_byte_representation,
    },
    make: Some(make),
};

/// The arrays.
#[derive(Default)]
struct Numbers {
    heap: OnceCell<v8::SharedRef<v8::BackingStore>>,
    spaces: OnceCell<v8::SharedRef<v8::BackingStore>>,
    code: OnceCell<v8::SharedRef<v8::BackingStore>>,
}

fn make(scope: &mut Scope<'_, '_>, env: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let numbers = env.state::<Numbers>();
    for (name, store, length) in [
        ("heapStatisticsBuffer", &numbers.heap, 15),
        ("heapSpaceStatisticsBuffer", &numbers.spaces, 4),
        ("heapCodeStatisticsBuffer", &numbers.code, 4),
    ] {
        let buffer = v8::ArrayBuffer::new(scope, length * 8);
        let _ = store.set(buffer.get_backing_store());
        let array = v8::Float64Array::new(scope, buffer, 0, length)?;
        set(scope, binding, name, array.into())?;
    }
    Some(())
}

/// Writes numbers where the constants of their names say.
fn write(env: &Env, store: &OnceCell<v8::SharedRef<v8::BackingStore>>, numbers: &[(&str, f64)]) {
    let Some(known) = env.facts.binding("v8") else { return };
    for (name, number) in numbers {
        let index = known.get(*name).and_then(|constant| constant.get("value")).and_then(Value::as_u64);
        if let Some(index) = index.and_then(|index| usize::try_from(index).ok()).filter(|index| *index < 64) {
            poke(store, index, number.to_ne_bytes());
        }
    }
}

/// The numbers of a heap by the places that the library knows them by, and by the names that programs do.
fn heap_statistics(heap: &mut v8::HeapStatistics) -> [(&'static str, &'static str, f64); 15] {
    [
        ("kTotalHeapSizeIndex", "total_heap_size", heap.total_heap_size() as f64),
        (
            "kTotalHeapSizeExecutableIndex",
            "total_heap_size_executable",
            heap.total_heap_size_executable() as f64,
        ),
        ("kTotalPhysicalSizeIndex", "total_physical_size", heap.total_physical_size() as f64),
        ("kTotalAvailableSize", "total_available_size", heap.total_available_size() as f64),
        ("kUsedHeapSizeIndex", "used_heap_size", heap.used_heap_size() as f64),
        ("kHeapSizeLimitIndex", "heap_size_limit", heap.heap_size_limit() as f64),
        ("kMallocedMemoryIndex", "malloced_memory", heap.malloced_memory() as f64),
        ("kPeakMallocedMemoryIndex", "peak_malloced_memory", heap.peak_malloced_memory() as f64),
        ("kDoesZapGarbageIndex", "does_zap_garbage", f64::from(u8::from(heap.does_zap_garbage()))),
        (
            "kNumberOfNativeContextsIndex",
            "number_of_native_contexts",
            heap.number_of_native_contexts() as f64,
        ),
        (
            "kNumberOfDetachedContextsIndex",
            "number_of_detached_contexts",
            heap.number_of_detached_contexts() as f64,
        ),
        (
            "kTotalGlobalHandlesSizeIndex",
            "total_global_handles_size",
            heap.total_global_handles_size() as f64,
        ),
        ("kUsedGlobalHandlesSizeIndex", "used_global_handles_size", heap.used_global_handles_size() as f64),
        ("kExternalMemoryIndex", "external_memory", heap.external_memory() as f64),
        ("kTotalAllocatedBytes", "total_allocated_bytes", heap.total_allocated_bytes() as f64),
    ]
}

/// The numbers of a heap by the names that programs know them by.
pub(super) fn heap_numbers(heap: &mut v8::HeapStatistics) -> Vec<(&'static str, f64)> {
    heap_statistics(heap).map(|(_, name, number)| (name, number)).into()
}

fn update_heap_statistics(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let numbers = heap_statistics(&mut scope.get_heap_statistics()).map(|(index, _, number)| (index, number));
    write(&env, &env.state::<Numbers>().heap, &numbers);
}

/// (number of a space): the spaces are numbered as `kHeapSpaces` names them; one that this V8 lacks is empty.
fn update_heap_space_statistics(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(number) = args.get(0).uint32_value(scope) else { return };
    let name = (|| {
        let spaces = env.facts.binding("v8")?.get("kHeapSpaces")?.get("array")?.as_array()?;
        spaces.get(number as usize)?.get("value")?.as_str()
    })();
    let mut found = None;
    for index in 0..scope.number_of_heap_spaces() {
        let space = scope.get_heap_space_statistics(index);
        found = space.filter(|space| space.space_name().to_str().ok() == name);
        if found.is_some() {
            break;
        }
    }
    let numbers = match &found {
        Some(space) => [
            space.space_size(),
            space.space_used_size(),
            space.space_available_size(),
            space.physical_space_size(),
        ],
        None => [0; 4],
    };
    let names =
        ["kSpaceSizeIndex", "kSpaceUsedSizeIndex", "kSpaceAvailableSizeIndex", "kPhysicalSpaceSizeIndex"];
    let numbers: Vec<(&str, f64)> =
        names.into_iter().zip(numbers).map(|(name, number)| (name, number as f64)).collect();
    write(&env, &env.state::<Numbers>().spaces, &numbers);
}

fn update_heap_code_statistics(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let Some(code) = scope.get_heap_code_and_metadata_statistics() else { return };
    let numbers = [
        ("kCodeAndMetadataSizeIndex", code.code_and_metadata_size() as f64),
        ("kBytecodeAndMetadataSizeIndex", code.bytecode_and_metadata_size() as f64),
        ("kExternalScriptSourceSizeIndex", code.external_script_source_size() as f64),
        ("kCPUProfilerMetaDataSizeIndex", code.cpu_profiler_metadata_size() as f64),
    ];
    write(&env, &env.state::<Numbers>().code, &numbers);
}

fn cached_data_version_tag(_: &mut Scope<'_, '_>, _: Args<'_>, mut result: Return<'_>) {
    result.set_uint32(v8::script_compiler::cached_data_version_tag());
}

fn is_string_one_byte_representation(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    if let Some(text) = super::buffer::text(scope, args.get(0)) {
        result.set_bool(text.is_onebyte());
    }
}
