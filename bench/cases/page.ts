/**
 * What a page downloads that computes eagerly and compiles: one script, bundled by esbuild.
 *
 * @module
 */
import { messageOf } from "../harness.ts";
import { gzipped, pageProgram, withSite } from "../../tests/bundles/site.ts";

/** Size of a page's script; the JSON line. */
export interface PageSize {
  readonly case: "page-size";
  /** Kilobytes (1,000 bytes). */
  readonly kB: number;
  /** The same after gzip. */
  readonly gzipKB: number;
  /** Whether anything else is downloaded. */
  readonly alone: boolean;
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
      const { files, entry } = await site.bundle("page.js", { minify: true });
      const bytes = await Deno.readFile(entry);
      size = {
        case: "page-size",
        kB: Math.round(bytes.length / 1000),
        gzipKB: Math.round((await gzipped(bytes)) / 1000),
        alone: files.length === 1,
      };
    });
    return size!;
  } catch (error) {
    return { case: "page-size", error: messageOf(error) };
  }
}
