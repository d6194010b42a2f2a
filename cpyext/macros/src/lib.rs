//! Attributes of `handfast-cpyext`: a Rust function becomes a C function of the Python API.
//!
//! All code of that crate works on addresses that C handed it, under one and the same promise: that of the API (arguments
//! are live objects of the kinds that the function's documentation names, the thread holds the extension lock). So the
//! reason of its unsafe blocks is one, [X1] of SAFETY.md, and it is written once, here: each attribute makes the body of an
//! `unsafe fn` one unsafe block for that reason. A body says the rest of what it relies on itself.
//!
//! `capi` exports the function under its name, `slot` makes `c_NAME` for tables of types, `contract` does neither. For
//! Rust callers all three stay functions of their name, which answer `Result`s and owned references; what C gets of
//! that (NULL, -1) is the trait `Answer` of the crate.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, Pat, Result, ReturnType, parse_macro_input};

/// A function of the Python API, exported under its name.
#[proc_macro_attribute]
pub fn capi(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemFn);
    expand(&item, Export::Symbol).unwrap_or_else(Error::into_compile_error).into()
}

/// A function for a slot of a type: `c_NAME` is what the table gets.
#[proc_macro_attribute]
pub fn slot(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemFn);
    expand(&item, Export::Slot).unwrap_or_else(Error::into_compile_error).into()
}

/// A function for Rust callers under the same promise.
#[proc_macro_attribute]
pub fn contract(_: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemFn);
    expand(&item, Export::Nothing).unwrap_or_else(Error::into_compile_error).into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Export {
    Symbol,
    Slot,
    Nothing,
}

fn expand(item: &ItemFn, export: Export) -> Result<Tokens> {
    let signature = &item.sig;
    if signature.unsafety.is_none() {
        return Err(Error::new_spanned(signature, "its caller keeps a promise: it has to be `unsafe fn`"));
    }
    let (attributes, visibility, body, name) = (&item.attrs, &item.vis, &item.block, &signature.ident);
    let rust = quote! {
        #(#attributes)*
        #[allow(non_snake_case, unused_unsafe, clippy::missing_safety_doc)]
        #visibility #signature {
            // SAFETY: [X1] the promise of the API, which the caller makes.
            unsafe #body
        }
    };
    if export == Export::Nothing {
        return Ok(rust);
    }
    let (mut names, mut types) = (vec![], vec![]);
    for (i, argument) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(argument) = argument else {
            return Err(Error::new_spanned(argument, "C functions have no receiver"));
        };
        names.push(match &*argument.pat {
            Pat::Ident(pattern) => pattern.ident.clone(),
            Pat::Wild(_) => format_ident!("argument_{i}"),
            other => return Err(Error::new_spanned(other, "expected a name")),
        });
        types.push(&*argument.ty);
    }
    let answer = match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let body = quote! {
        // SAFETY: [X1] C makes the promise.
        crate::answer::Answer::to_c(unsafe { #name(#(#names),*) })
    };
    let c_type = quote!(<#answer as crate::answer::Answer>::C);
    Ok(if export == Export::Symbol {
        let symbol = name.to_string();
        quote! {
            #rust
            const _: () = {
                #[unsafe(export_name = #symbol)]
                unsafe extern "C" fn exported(#(#names: #types),*) -> #c_type {
                    #body
                }
                #[used]
                static KEEP: unsafe extern "C" fn(#(#types),*) -> #c_type = exported;
            };
        }
    } else {
        let slot = format_ident!("c_{name}");
        quote! {
            #rust
            #[allow(non_snake_case, unused_unsafe, clippy::missing_safety_doc)]
            #visibility unsafe extern "C" fn #slot(#(#names: #types),*) -> #c_type {
                #body
            }
        }
    })
}
