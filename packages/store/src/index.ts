export { type Artefacts, openArtefacts } from "./artefacts.ts";
export { diskError, onDisk } from "./disk-error.ts";
export { makeFolder, type NewFile, sweepLeftovers, writeFileAtomic, writeFilesAtomic } from "./file.ts";
export { type FolderLock, lockFolder, type LockTimes } from "./folder-lock.ts";
export { FolderNames, type GrowingFile, openGrowingFile } from "./growing-file.ts";
export {
  createIdentityFile,
  openIdentityFile,
  type PublicIdentity,
  publicIdentityBytes,
  readIdentityHeader,
  readPublicIdentity,
} from "./identity-store.ts";
export { type Journal, type JournalCodec, type JournalOptions, openJournal } from "./journal.ts";
export { NoticeFile } from "./notice.ts";
export * from "./parcel/parcel-list.ts";
export { openParcelSource, type ParcelSource } from "./parcel/parcel-source.ts";
export { openParcelStore, type ParcelStore } from "./parcel/parcel-store.ts";
export { readFileBounded } from "./read-file.ts";
export { PERSIST_CHANNEL, type PersistMoment, type PersistStep } from "./persist.ts";
