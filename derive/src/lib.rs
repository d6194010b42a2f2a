//! `#[derive(Trace)]` for handfast.
//!
//! The derive adds up, as a constant, the reference maps of a struct's fields at their offsets. It looks at types only
//! through the trait, never at how they are spelled, so aliases, generic fields and macros work. An enum has no fixed
//! place for its fields; all of them must be plain.
//!
//! Two things it makes sure of by what it generates: the type has no `Drop` (a trait that would then be implemented
//! twice), and a generic type asks of its parameters just what its fields need (a bound for each field type).

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Index, Result, Type, parse_macro_input, parse_quote};

/// Implements `handfast::Trace`: see there. Attributes: `#[handfast(finalize)]`, `#[handfast(plain)]`.
#[proc_macro_derive(Trace, attributes(handfast))]
pub fn derive_trace(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(input).unwrap_or_else(Error::into_compile_error).into()
}

/// What `#[handfast(...)]` asks for.
#[derive(Default)]
struct Options {
    finalize: bool,
    plain: bool,
}

impl Options {
    fn of(input: &DeriveInput) -> Result<Options> {
        let mut options = Options::default();
        for attribute in input.attrs.iter().filter(|a| a.path().is_ident("handfast")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("finalize") {
                    options.finalize = true;
                    Ok(())
                } else if meta.path.is_ident("plain") {
                    options.plain = true;
                    Ok(())
                } else {
                    Err(meta.error("expected `finalize` or `plain`"))
                }
            })?;
        }
        Ok(options)
    }
}

fn expand(mut input: DeriveInput) -> Result<Tokens> {
    let mut options = Options::of(&input)?;
    let (map, types) = match &input.data {
        Data::Struct(data) => struct_map(&data.fields),
        Data::Enum(data) => {
            options.plain = true;
            let types = data.variants.iter().flat_map(|v| v.fields.iter()).map(|f| f.ty.clone()).collect();
            (quote!(::handfast::RefMap::plain()), types)
        }
        Data::Union(data) => {
            return Err(Error::new(
                data.union_token.span,
                "a union cannot be traced: which of its fields holds a reference is not known; use a struct",
            ));
        }
    };
    if let Some(lifetime) = input.generics.lifetimes().next() {
        return Err(Error::new(
            lifetime.span(),
            "a type in the heap cannot borrow: it lives until the collector finds it dead",
        ));
    }
    bound(&mut input, &types, options.plain);

    let name = &input.ident;
    let text = name.to_string();
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    // Named in constants, so that the error points at the field.
    let plain_fields = options.plain.then(|| {
        let parts = types.iter().map(|ty| quote_spanned!(ty.span()=> .with_plain::<#ty>()));
        quote!(#(#parts)*)
    });
    let finalize = options.finalize.then(|| {
        quote! {
            const FINALIZE: ::core::option::Option<::handfast::__private::FinalizeFn<Self>> =
                ::core::option::Option::Some(<Self as ::handfast::Finalize>::finalize);
        }
    });
    let plain = options.plain.then(|| {
        quote! {
            // SAFETY: [Y6] every field is plain: the map of this type checks it.
            #[automatically_derived]
            unsafe impl #impl_generics ::handfast::Plain for #name #ty_generics #where_clause {}
        }
    });
    Ok(quote! {
        const _: () = {
            // SAFETY: [Y6] the map is the sum of the maps of all fields, each at its offset.
            #[automatically_derived]
            unsafe impl #impl_generics ::handfast::Trace for #name #ty_generics #where_clause {
                const REFS: ::handfast::RefMap = #map #plain_fields;
                const NAME: &'static str = ::core::concat!(::core::module_path!(), "::", #text);
                #finalize
            }
            #plain
            // If the type implements `Drop`, it implements this trait twice. Memory in the heap is reused without a
            // call; what is to happen when an object dies is `Finalize`.
            #[allow(dead_code)]
            trait TypeInTheHeapMustNotImplementDrop {}
            #[allow(drop_bounds)]
            impl<__Dropped: ::core::ops::Drop> TypeInTheHeapMustNotImplementDrop for __Dropped {}
            #[automatically_derived]
            impl #impl_generics TypeInTheHeapMustNotImplementDrop for #name #ty_generics #where_clause {}
        };
    })
}

/// The sum over the fields of a struct, and their types.
fn struct_map(fields: &Fields) -> (Tokens, Vec<Type>) {
    let parts = fields.iter().enumerate().map(|(i, field)| {
        let ty = &field.ty;
        let index = Index::from(i);
        let member = field.ident.as_ref().map_or_else(|| quote!(#index), |ident| quote!(#ident));
        quote_spanned!(ty.span()=> .with::<#ty>(::core::mem::offset_of!(Self, #member)))
    });
    (quote!(::handfast::RefMap::plain() #(#parts)*), fields.iter().map(|field| field.ty.clone()).collect())
}

/// Adds what a generic type needs: `'static` parameters, and that each field's type is `Trace` or `Plain`.
fn bound(input: &mut DeriveInput, types: &[Type], plain: bool) {
    let params: Vec<_> = input.generics.type_params().map(|param| param.ident.clone()).collect();
    if params.is_empty() {
        return;
    }
    let predicates = &mut input.generics.make_where_clause().predicates;
    for param in params {
        predicates.push(parse_quote!(#param: 'static));
    }
    for ty in types {
        if plain {
            predicates.push(parse_quote!(#ty: ::handfast::Plain));
        } else {
            predicates.push(parse_quote!(#ty: ::handfast::Trace));
        }
    }
}
