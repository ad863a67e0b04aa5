//! `KeyObject` and `CryptoKey`: classes of the library that extend ones from here, so that it can tell its objects from
//! anything a program makes to look like them.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::Scope;

use super::super::messaging::{self, Message, Native, Transferable};
use super::keys::{self, KeyData};
use super::values;
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! {
    "createNativeKeyObjectClass" => create_native_key_object_class,
    "getKeyObjectSlots" => get_key_object_slots,
    "isKeyObject" => is_key_object,
    "createCryptoKeyClass" => create_crypto_key_class,
    "getCryptoKeySlots" => get_crypto_key_slots,
    "isCryptoKey" => is_crypto_key,
};

/// The native half of a `KeyObject`.
struct KeyObject {
    data: Rc<KeyData>,
    handle: v8::Global<v8::Value>,
}

/// A `KeyObject` on its way to another thread.
struct SentKey(KeyData);

impl Native for SentKey {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        // It makes the classes, where nobody has asked for them before.
        env.require(scope, "internal/crypto/keys")?;
        let kind = usize::try_from(self.0.kind()).ok()?;
        let class = env.state::<Classes>().key_objects.borrow().get(kind).cloned()?;
        let class = v8::Local::new(scope, &class);
        let handle = keys::wrap(scope, env, Rc::new(self.0))?;
        class.new_instance(scope, &[handle])
    }
}

impl Transferable for KeyObject {
    const IS_COPIED: bool = true;

    fn send(&self, _: &mut Scope<'_, '_>, _: &Rc<Env>) -> Option<Box<dyn Native>> {
        Some(Box::new(SentKey(KeyData::clone(&self.data))))
    }
}

/// The native half of a `CryptoKey`.
struct CryptoKey {
    key: Rc<KeyData>,
    second: Option<Rc<KeyData>>,
    /// What it was made with: type, extractable, algorithm, usages, handle, second handle, seed.
    slots: v8::Global<v8::Array>,
}

impl CryptoKey {
    /// What it was made with, as an array that is the caller's own.
    fn slots<'s>(&self, scope: &mut Scope<'s, '_>) -> Option<v8::Local<'s, v8::Array>> {
        let slots = v8::Local::new(scope, &self.slots);
        let slots: [_; 7] = elements(scope, slots)?;
        Some(v8::Array::new_with_elements(scope, &slots))
    }
}

/// A `CryptoKey` on its way to another thread.
struct SentCryptoKey {
    key: KeyData,
    second: Option<KeyData>,
    /// The rest of what makes it, an array: extractable, algorithm, usages, seed.
    rest: Message,
}

impl Native for SentCryptoKey {
    fn object<'s>(
        self: Box<Self>,
        scope: &mut Scope<'s, '_>,
        env: &Rc<Env>,
    ) -> Option<v8::Local<'s, v8::Object>> {
        // It makes the class, where nobody has asked for it before.
        env.require(scope, "internal/crypto/keys")?;
        let class = env.state::<Classes>().crypto_key.borrow().clone()?;
        let class = v8::Local::new(scope, &class);
        let (rest, _) = self.rest.read(scope, env)?;
        let rest: v8::Local<v8::Array> = rest.try_cast().ok()?;
        let [extractable, algorithm, usages, seed] = elements(scope, rest)?;
        let handle = keys::wrap(scope, env, Rc::new(self.key))?;
        let second = match self.second {
            Some(second) => keys::wrap(scope, env, Rc::new(second))?,
            None => v8::undefined(scope).into(),
        };
        class.new_instance(scope, &[handle, algorithm, usages, extractable, second, seed])
    }
}

impl Transferable for CryptoKey {
    const IS_COPIED: bool = true;

    fn send(&self, scope: &mut Scope<'_, '_>, env: &Rc<Env>) -> Option<Box<dyn Native>> {
        let slots = self.slots(scope)?;
        let [_, extractable, algorithm, usages, _, _, seed] = elements(scope, slots)?;
        let rest = v8::Array::new_with_elements(scope, &[extractable, algorithm, usages, seed]);
        Some(Box::new(SentCryptoKey {
            key: KeyData::clone(&self.key),
            second: self.second.as_deref().cloned(),
            rest: Message::write(scope, env, rest.into(), &[], None)?,
        }))
    }
}

fn elements<'s, const N: usize>(
    scope: &mut Scope<'s, '_>,
    array: v8::Local<'_, v8::Array>,
) -> Option<[v8::Local<'s, v8::Value>; N]> {
    let mut elements = [v8::undefined(scope).into(); N];
    for (index, element) in elements.iter_mut().enumerate() {
        *element = array.get_index(scope, u32::try_from(index).ok()?)?;
    }
    Some(elements)
}

/// The library's constructors.
#[derive(Default)]
struct Classes {
    /// Those of `KeyObject`s, by the kind of key.
    key_objects: RefCell<Vec<v8::Global<v8::Function>>>,
    crypto_key: RefCell<Option<v8::Global<v8::Function>>>,
}

fn has<T: 'static>(scope: &mut Scope<'_, '_>, value: v8::Local<'_, v8::Value>) -> bool {
    let (Some(env), Ok(object)) = (Env::of(scope), value.try_cast::<v8::Object>()) else { return false };
    !value.is_array_buffer_view() && handle::of::<T>(scope, &env, object).is_some()
}

/// Calls the library with a class, and gives back what it makes of it.
fn with_class<'s>(
    scope: &mut Scope<'s, '_>,
    args: &Args<'s>,
    name: &str,
    constructor: v8::FunctionCallback,
) -> Option<v8::Local<'s, v8::Value>> {
    let callback: v8::Local<v8::Function> = args.get(0).try_cast().ok()?;
    let class = Class::new(scope, name, constructor)?;
    let class = class.template.get_function(scope)?;
    let receiver = v8::undefined(scope).into();
    callback.call(scope, receiver, &[class.into()])
}

fn create_native_key_object_class<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_key_object);
    let Some(classes) = with_class(scope, &args, "NativeKeyObject", constructor) else { return };
    result.set(classes);
    let (Some(env), Ok(classes)) = (Env::of(scope), classes.try_cast::<v8::Array>()) else { return };
    messaging::register::<KeyObject>(&env);
    let mut kinds = Vec::new();
    // The first is what they have in common.
    for index in 1..=3 {
        let Some(class) = classes.get_index(scope, index) else { return };
        let Ok(class) = class.try_cast::<v8::Function>() else { return };
        kinds.push(v8::Global::new(scope, class));
    }
    *env.state::<Classes>().key_objects.borrow_mut() = kinds;
}

/// (handle)
fn construct_key_object(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(key) = keys::of(scope, &env, args.get(0)) else {
        return isolate::library::throw_type(scope, "A key object needs a handle");
    };
    let half = KeyObject { data: key, handle: v8::Global::new(scope, args.get(0)) };
    let _ = values::attach(scope, &env, args.this(), Rc::new(half));
}

/// (key) -> [type, handle]
fn get_key_object_slots<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let (Some(env), Ok(object)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else { return };
    let Some(key) = handle::of::<KeyObject>(scope, &env, object) else {
        return throw_invalid_this(scope, "KeyObject");
    };
    let kind = v8::Integer::new_from_unsigned(scope, key.data.kind()).into();
    let handle = v8::Local::new(scope, &key.handle);
    result.set(v8::Array::new_with_elements(scope, &[kind, handle]).into());
}

fn throw_invalid_this(scope: &mut Scope<'_, '_>, class: &str) {
    let message = format!("Value of \"this\" must be of type {class}");
    crate::coded_error::throw(scope, crate::coded_error::Kind::Type, &message, "ERR_INVALID_THIS");
}

fn is_key_object(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(has::<KeyObject>(scope, args.get(0)));
}

fn create_crypto_key_class<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct_crypto_key);
    let Some(classes) = with_class(scope, &args, "NativeCryptoKey", constructor) else { return };
    result.set(classes);
    let (Some(env), Ok(classes)) = (Env::of(scope), classes.try_cast::<v8::Array>()) else { return };
    messaging::register::<CryptoKey>(&env);
    if let Some(class) = classes.get_index(scope, 1)
        && let Ok(class) = class.try_cast::<v8::Function>()
    {
        *env.state::<Classes>().crypto_key.borrow_mut() = Some(v8::Global::new(scope, class));
    }
}

/// (handle, algorithm, usages, extractable, second handle, seed)
fn construct_crypto_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    let Some(key) = keys::of(scope, &env, args.get(0)) else {
        return isolate::library::throw_type(scope, "A key needs a handle");
    };
    let kind = v8::Integer::new_from_unsigned(scope, key.kind()).into();
    let slots = [kind, args.get(3), args.get(1), args.get(2), args.get(0), args.get(4), args.get(5)];
    let second = keys::of(scope, &env, args.get(4));
    let slots = v8::Array::new_with_elements(scope, &slots);
    let half = CryptoKey { key, second, slots: v8::Global::new(scope, slots) };
    let _ = values::attach(scope, &env, args.this(), Rc::new(half));
}

/// (key) -> [type, extractable, algorithm, usages, handle, second handle, seed]
fn get_crypto_key_slots<'s>(scope: &mut Scope<'s, '_>, args: Args<'s>, mut result: Return<'s>) {
    let (Some(env), Ok(object)) = (Env::of(scope), args.get(0).try_cast::<v8::Object>()) else { return };
    let Some(key) = handle::of::<CryptoKey>(scope, &env, object) else {
        return throw_invalid_this(scope, "CryptoKey");
    };
    if let Some(slots) = key.slots(scope) {
        result.set(slots.into());
    }
}

fn is_crypto_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    result.set_bool(has::<CryptoKey>(scope, args.get(0)));
}

/// Makes a `CryptoKey`.
pub(super) fn create<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    data: Rc<KeyData>,
    algorithm: v8::Local<'s, v8::Value>,
    usages: v8::Local<'s, v8::Value>,
    extractable: bool,
) -> Option<v8::Local<'s, v8::Value>> {
    let class = env.state::<Classes>().crypto_key.borrow().clone();
    let Some(class) = class else {
        isolate::library::throw_type(scope, "There is no class of keys");
        return None;
    };
    let class = v8::Local::new(scope, &class);
    let handle = keys::wrap(scope, env, data)?;
    let extractable = v8::Boolean::new(scope, extractable).into();
    let key = class.new_instance(scope, &[handle, algorithm, usages, extractable])?;
    Some(key.into())
}
