declare const brand: unique symbol;

/** A `T` that only code which has checked it may produce. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
