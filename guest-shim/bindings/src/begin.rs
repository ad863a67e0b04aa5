//! Lets a program be begun before there is a process for it, so that what it does before it knows its task is done by
//! the time it gets one. Only the virtual machine's own programs are begun so.

/// Returns once the program has its process. Before this nothing that a process has may be asked for: arguments,
/// environment, descriptors, paths.
pub fn wait() {
    #[cfg(target_arch = "wasm32")]
    {
        #[link(wasm_import_module = "cordon:runtime/begin@0.1.0")]
        unsafe extern "C" {
            #[link_name = "wait"]
            safe fn wait();
        }
        wait();
    }
}
