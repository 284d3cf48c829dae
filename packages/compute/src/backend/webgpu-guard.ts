/** WebGPU tells of a wrong use on the side, and computes on with zeros: here it is an error where the wrong result would be. */
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { WebgpuDevice } from "../webgpu-device.ts";

/** Checks what the backend asks of its device, and that the device has not refused it: it would compute on with garbage. */
export const guardWebgpuBackend = (backend: WebGPUBackend, { device, problem }: WebgpuDevice): void => {
  const mostBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const mostTensors = device.limits.maxStorageBuffersPerShaderStage - 1;
  const { bufferManager } = backend;
  const acquire = bufferManager.acquireBuffer.bind(bufferManager);
  bufferManager.acquireBuffer = (size, ...rest) => {
    if (size > mostBytes)
      throw new Error(`a tensor of ${size} bytes does not fit this GPU's ${mostBytes}: use a smaller batch`);
    return acquire(size, ...rest);
  };
  const run = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, inputs, ...rest) => {
    if (inputs.length > mostTensors)
      throw new Error(`${inputs.length} tensors at once are more than this GPU's ${mostTensors}: use fewer`);
    return run(program, inputs, ...rest);
  };
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId);
    const refused = problem();
    if (refused !== undefined)
      throw new Error(`the GPU refused an operation, its results are lost: ${refused}`);
    return values;
  };
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    const { values, resource } = backend.tensorMap.get(dataId);
    if (resource !== undefined && !values)
      throw new Error("a GPU gives no values at once: use `await data()` in place of `dataSync`");
    return readSync(dataId);
  };
};
