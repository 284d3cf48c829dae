/** What a device is set up with to add keystreams: the shader for either width of lanes, and the buffers of a piece. */
import { checked } from "../webgpu-device.ts";
import { chacha20Wgsl, RUN_BYTES } from "./chacha20-wgsl.ts";

export const DISPATCHES_PER_PIECE = 256;

/** As WebGPU numbers them (section 5, "Buffers"): Dawn has no globals. */
export const USAGE = {
  mapRead: 1,
  mapWrite: 2,
  copySource: 4,
  copyTarget: 8,
  uniform: 64,
  storage: 128,
} as const;
export const MAP = { read: 1, write: 2 } as const;
const COMPUTE_STAGE = 4;

export type Pipelines = Readonly<Record<16 | 32, GPUComputePipeline>>;

/** The buffers of one piece. */
export interface Slot {
  readonly runs: GPUBuffer;
  readonly sums: GPUBuffer;
  readonly fetched: GPUBuffer;
  readonly group: GPUBindGroup;
}

interface SlotParts {
  readonly pieceBytes: number;
  /** From one dispatch's parameters to the next one's. */
  readonly stride: number;
  readonly keys: GPUBuffer;
  readonly layout: GPUBindGroupLayout;
}

export const openSlot = (device: GPUDevice, { pieceBytes, stride, keys, layout }: SlotParts): Slot => {
  const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
  const runs = buffer(stride * DISPATCHES_PER_PIECE, USAGE.uniform | USAGE.copyTarget);
  const sums = buffer(pieceBytes, USAGE.storage | USAGE.copySource | USAGE.copyTarget);
  const fetched = buffer(pieceBytes, USAGE.mapRead | USAGE.copyTarget);
  const group = device.createBindGroup({
    layout,
    entries: [
      { binding: 0, resource: { buffer: keys } },
      { binding: 1, resource: { buffer: runs, size: RUN_BYTES } },
      { binding: 2, resource: { buffer: sums } },
    ],
  });
  return { runs, sums, fetched, group };
};

/** Rejects where the shader does not compile. */
export const openPipelines = async (device: GPUDevice): Promise<Pipelines> => {
  const layout = await checked(device, () => pipelineLayout(device));
  const pipelineOf = async (laneBits: 16 | 32) => {
    const module = await checked(device, () => device.createShaderModule({ code: chacha20Wgsl(laneBits) }));
    return device.createComputePipelineAsync({ layout, compute: { module, entryPoint: "main" } });
  };
  return { 16: await pipelineOf(16), 32: await pipelineOf(32) };
};

const pipelineLayout = (device: GPUDevice): GPUPipelineLayout => {
  const seen = (binding: number, buffer: GPUBufferBindingLayout) => ({
    binding,
    visibility: COMPUTE_STAGE,
    buffer,
  });
  const entries = [
    seen(0, { type: "read-only-storage" }),
    seen(1, { type: "uniform", hasDynamicOffset: true }),
    seen(2, { type: "storage" }),
  ];
  return device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
};
