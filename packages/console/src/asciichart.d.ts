declare module "asciichart" {
  interface PlotOptions {
    readonly height?: number;
    readonly min?: number;
    readonly max?: number;
    readonly colors?: readonly string[];
    readonly format?: (value: number) => string;
  }
  export const plot: (series: readonly (readonly number[])[], options?: PlotOptions) => string;
  export const green: string;
  export const blue: string;
  export const yellow: string;
  export const magenta: string;
}
