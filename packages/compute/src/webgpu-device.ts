/**
 * A GPU through Dawn, the WebGPU of Chromium, which the npm package `webgpu` carries for Linux, macOS and Windows. The
 * backend of that name and the ring engine each have a device of their own.
 */

export interface WebgpuDevice {
  readonly device: GPUDevice;
  /** What TensorFlow.js wants to know of the adapter. */
  readonly info: GPUAdapterInfo;
  /** For a person: `nvidia NVIDIA H100 PCIe`. */
  readonly name: string;
  /** SwiftShader, llvmpipe and their like compute on the processor, far slower than WebAssembly does. */
  readonly isSoftware: boolean;
  /** The constructors and constants that a browser has as globals. */
  readonly globals: object;
  /** What a browser has as `navigator.gpu`. */
  readonly gpu: GPU;
  /** The first error that nobody was told of: from then on, what the device gives is not to be trusted. */
  readonly problem: () => string | undefined;
}

const PACKAGE: string = "webgpu";

/** Asked for by name, since a device otherwise has the least that any device has. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/** Kept as long as the thread lives: Dawn crashes where it is collected before its devices. */
let found: GPU | undefined;

/** Throws, in one line with its cure, when the package or an adapter is not there. */
export const openWebgpuDevice = async (): Promise<WebgpuDevice> => {
  refuseWithoutVulkan();
  const { create, globals } = await loadDawn();
  const gpu = found ?? create([]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new Error("no GPU was found: install its driver");
  found = gpu;
  const requiredLimits = Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]]));
  const device = await adapter.requestDevice({ requiredLimits });
  const info = infoOf(adapter);
  let problem: string | undefined;
  device.addEventListener("uncapturederror", (event) => {
    event.preventDefault();
    problem ??=
      "error" in event && event.error instanceof Object ? firstLine(event.error) : "an unknown error";
  });
  const isSoftware = isSoftwareRenderer(info);
  const name = [info.vendor, info.description === "" ? info.device : info.description].join(" ").trim();
  return { device, info, name, isSoftware, globals, gpu, problem: () => problem };
};

/** What `action` asks of the device; rejects where the device finds it wrong, which it otherwise tells nobody. */
export const checked = async <T>(device: GPUDevice, action: () => T): Promise<T> => {
  for (const kind of ["internal", "out-of-memory", "validation"] as const) device.pushErrorScope(kind);
  let popped: Promise<readonly (GPUError | null)[]>;
  let result: T;
  try {
    result = action();
  } finally {
    popped = Promise.all([device.popErrorScope(), device.popErrorScope(), device.popErrorScope()]);
  }
  const error = (await popped).find((one) => one !== null);
  if (error) throw new Error(`the GPU refuses: ${firstLine(error)}`);
  return result;
};

const firstLine = (error: object): string =>
  "message" in error && typeof error.message === "string"
    ? error.message.split("\n")[0]!
    : "an unknown error";

interface Dawn {
  readonly create: (options: readonly string[]) => GPU;
  readonly globals: object;
}

const loadDawn = async (): Promise<Dawn> => {
  try {
    const dawn: unknown = await import(PACKAGE);
    if (isDawn(dawn)) return dawn;
  } catch (error) {
    if (isMissing(error))
      throw new Error("not installed: run `npm install --no-save webgpu@0.6.2`", { cause: error });
    throw error;
  }
  throw new Error("the package webgpu is another one: run `npm ci`");
};

const isDawn = (loaded: unknown): loaded is Dawn =>
  typeof loaded === "object" && loaded !== null && "create" in loaded && "globals" in loaded;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";

/** Dawn would say it too, but on stderr. The loader is no module of Node's: loading it fails either way, in two ways. */
const refuseWithoutVulkan = (): void => {
  if (process.platform !== "linux") return;
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1");
  } catch (error) {
    if (error instanceof Error && error.message.includes("cannot open shared object file"))
      throw new Error("no Vulkan: install libvulkan1 and the GPU's driver", { cause: error });
  }
};

interface AdapterInfo extends GPUAdapterInfo {
  readonly isFallbackAdapter?: boolean;
}

const infoOf = (adapter: GPUAdapter): AdapterInfo => {
  const info: unknown = "info" in adapter ? adapter.info : undefined;
  if (!isAdapterInfo(info)) throw new Error("the package webgpu is another one: run `npm ci`");
  return info;
};

const isAdapterInfo = (info: unknown): info is AdapterInfo =>
  typeof info === "object" && info !== null && "vendor" in info && "description" in info;

const isSoftwareRenderer = (info: AdapterInfo): boolean =>
  info.isFallbackAdapter === true ||
  /swiftshader|llvmpipe|lavapipe|basic render/iu.test(
    [info.vendor, info.architecture, info.device, info.description].join(" "),
  );
