/** Figures as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** `73 B`, `1.5 KiB`, `73.5 MiB`. */
export const humanBytes = (bytes: number): string => {
  const unit = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${unit === 0 ? bytes : threeDigits(bytes / 1024 ** unit)} ${UNITS[unit]}`;
};

/** `0.042 s`, `12.3 s`, `2 min 05 s`, `1 h 03 min`. */
export const humanSeconds = (seconds: number): string => {
  if (seconds < 59.95) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
};

const threeDigits = (value: number): string => {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
};

const twoDigits = (value: number): string => String(value).padStart(2, "0");
