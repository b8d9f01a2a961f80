/**
 * What a page downloads that computes eagerly and compiles, bundled by esbuild; other backends are
 * scripts of their own, which it leaves alone.
 *
 * @module
 */
import { messageOf } from "../harness.ts";
import { gzippedPage, pageProgram, withSite } from "../../tests/bundles/site.ts";

/** Size of a page's script; the JSON line. */
export interface PageSize {
  readonly case: "page-size";
  /** Kilobytes (1,000 bytes). */
  readonly kB: number;
  /** The same after gzip. */
  readonly gzipKB: number;
  /** Scripts that it is in. */
  readonly files: number;
}

/** The same, where it could not be bundled. */
export interface PageFailure {
  readonly case: "page-size";
  readonly error: string;
}

/** Bundles such a page. */
export async function pageSize(): Promise<PageSize | PageFailure> {
  try {
    let size: PageSize | undefined;
    await withSite({ "page.js": pageProgram }, async (site) => {
      const bundle = await site.bundle("page.js", { minify: true, splitting: true });
      const sizes = await Promise.all(
        bundle.first.map(async (path) => (await Deno.stat(path)).size),
      );
      size = {
        case: "page-size",
        kB: Math.round(sizes.reduce((total, size) => total + size, 0) / 1000),
        gzipKB: Math.round((await gzippedPage(bundle)) / 1000),
        files: sizes.length,
      };
    });
    return size!;
  } catch (error) {
    return { case: "page-size", error: messageOf(error) };
  }
}
