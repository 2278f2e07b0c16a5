// The kernel's logo as front ends look for it: drawn, and as pixels for those that know no drawings.

const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64"><rect width="64" height="64" rx="10" fill="#2f5d8a"/><path d="M10 16h28v7H28v27h-8V23H10z" fill="#fff"/><path d="M44 16h4v34h-4zM52 16h4v34h-4z" fill="#9fd0ff"/></svg>
`;
/** The drawing at 32 and at 64 pixels, with the colours it needs. */
const PNG_32 =
  "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAMAAABEpIrGAAAASFBMVEUuXIn///+f0P8AAACXrsUtW4kuXIkuXYkAVaoqW4wuXIoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABbMhMpAAAAGHRSTlP+//8A/0SMuAMqzQAAAAAAAAAAAAAAAAAMf4CCAAAAWUlEQVR42u2TQQqAMAwEt90mtv3/g20VBcEmF5UeHAiE7JDbgpSKAVVIZIWBZghMBIstOPGXhAvtEOM+zwmp07NtuRHON8f+C5MLr+EWx60e7fISZBkqWsgV288BxelLwssAAAAASUVORK5CYII=";
const PNG_64 =
  "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAMAAACdt4HsAAAASFBMVEUuXIn///+f0P8AAAAuXIktW4kuXIkuXIkuXIkvW4kAAP8pW40cVY4zTYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACnjVKAAAAGHRSTlP+//8AaSiyyVSFARwJCgAAAAAAAAAAAAAfGkY3AAAAl0lEQVR42u3XUQuDMAwE4HNN0lS3//93Vy2KKAj2YDjIPSgU8xHoi4e0xIvhVqx4m8T80IyOZF0BQWekAd3zi4CkIKIJY2aAPIJaoK4A4QCBcQA5Hnlehou0L141+3cADwTO1PE8gAACCCCAAP4UiPz2f91QOKDAOcDx4UrXm699fPEkBF/L99R1lzZt7b32d7lb/0Xb5BemMwXQnDOoQAAAAABJRU5ErkJggg==";

/** Files of a kernelspec that hold its logo. */
export const LOGO_FILES: Readonly<Record<string, Uint8Array>> = {
  "logo-svg.svg": Buffer.from(SVG),
  "logo-32x32.png": Buffer.from(PNG_32, "base64"),
  "logo-64x64.png": Buffer.from(PNG_64, "base64"),
};
