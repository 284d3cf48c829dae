/** File modes do not bind root, as which tests run in many containers. */
const NOBODY = 65_534;

/** Awaits it as a user whom file modes bind: as another one meanwhile, where this one is root. */
export const asOrdinaryUser = async <T>(act: () => Promise<T>): Promise<T> => {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await act();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
};
