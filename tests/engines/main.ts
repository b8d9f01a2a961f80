/**
 * The programs of `programs.ts` in other engines than Deno's: Node, Bun, and pages of Chromium and
 * Firefox, in the main thread and in a worker.
 *
 *     deno task test:engines [NAME...]
 *
 * Needs `node`, `npx`, `chromium` and `firefox-esr`; one that is missing fails. Prints a line for each
 * engine; the exit status is 1 where anything is wrong.
 *
 * @module
 */
import { withSite } from "../bundles/site.ts";
import { root } from "../support/sources.ts";
import { exportedFiles } from "./exported.ts";
import type { Outcome } from "./programs.ts";

/** How long an engine may take, in milliseconds. */
const PATIENCE = 120_000;

/** What all engines run: the programs, and functions in files that know nothing of the library. */
const everything = `
  import { runAll } from "./programs.js";
  import { tryFiles } from "./files.js";
  export function run() {
    const [programs, files] = [runAll(), tryFiles()];
    return {
      compared: programs.compared + files.compared,
      failures: [...programs.failures, ...files.failures],
    };
  }
`;

const server = `
  import { run } from "./everything.js";
  console.log(JSON.stringify(run()));
`;

const page = `<!doctype html><meta charset="utf-8"><title>Injax</title><script type="module">
  const post = (outcome) => fetch("/outcome", { method: "POST", body: JSON.stringify(outcome) });
  const failed = (error) => post({ compared: 0, failures: [String(error?.message ?? error)] });
  if (location.search === "?worker") {
    const worker = new Worker("/worker.js", { type: "module" });
    worker.onmessage = ({ data }) => post(data);
    worker.onerror = failed;
  } else import("/everything.js").then(({ run }) => post(run())).catch(failed);
</script>`;

const worker = `
  import("/everything.js").then(({ run }) => postMessage(run()))
    .catch((error) => postMessage({ compared: 0, failures: [String(error)] }));
`;

/** Runs a command to its end; what it prints last is the outcome. */
async function command(name: string, args: readonly string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(name, { args: [...args] }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes).trim();
  if (code !== 0) return { compared: 0, failures: [text(stderr).slice(0, 2000)] };
  return JSON.parse(text(stdout).split("\n").at(-1)!) as Outcome;
}

/** Opens a page in a browser until it has sent its outcome. */
async function browse(
  scripts: Readonly<Record<string, string>>,
  mode: string,
  start: (url: string) => Deno.ChildProcess,
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const javascript = { headers: { "content-type": "text/javascript" } };
  const files = Deno.serve({ port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/outcome") resolve(await request.json() as Outcome);
    else if (scripts[pathname.slice(1)] !== undefined) {
      return new Response(scripts[pathname.slice(1)], javascript);
    } else return new Response(page, { headers: { "content-type": "text/html" } });
    return new Response();
  });
  const timer = setTimeout(
    () => resolve({ compared: 0, failures: [`no answer in ${PATIENCE / 1000} s`] }),
    PATIENCE,
  );
  const browser = start(`http://localhost:${files.addr.port}/?${mode}`);
  browser.status.then(({ code }) => {
    resolve({ compared: 0, failures: [`the browser ended with status ${code}`] });
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    browser.kill("SIGKILL");
    await browser.status;
    await files.shutdown();
  }
}

const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;

const chromium = (profile: string) => (url: string) =>
  new Deno.Command("chromium", {
    args: ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`, url],
    ...quiet,
  }).spawn();
const firefox = (profile: string) => (url: string) =>
  new Deno.Command("firefox-esr", {
    args: ["--headless", "--no-remote", "--profile", profile, url],
    env: { HOME: profile },
    ...quiet,
  }).spawn();

await withSite({}, async (site) => {
  const { entry } = await site.bundle(new URL("tests/engines/programs.ts", root).pathname, {});
  const scripts = {
    "programs.js": await Deno.readTextFile(entry),
    ...await exportedFiles(),
    "everything.js": everything,
    "worker.js": worker,
  };
  const folder = `${site.folder}/server`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module" }');
  for (const [name, text] of Object.entries({ ...scripts, "run.js": server })) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  const profile = (): string => Deno.makeTempDirSync({ dir: site.folder });
  const run = `${folder}/run.js`;
  const engines: Readonly<Record<string, () => Promise<Outcome>>> = {
    "deno": () => command("deno", ["run", "--no-prompt", "--allow-env", run]),
    "node": () => command("node", [run]),
    "bun": () => command("npx", ["-y", "bun@1.3.3", run]),
    "bun, with relaxed vectors": () => command("npx", ["-y", "bun@1.4.5", run]),
    "chromium": () => browse(scripts, "page", chromium(profile())),
    "chromium, worker": () => browse(scripts, "worker", chromium(profile())),
    "firefox": () => browse(scripts, "page", firefox(profile())),
    "firefox, worker": () => browse(scripts, "worker", firefox(profile())),
  };
  for (const [name, run] of Object.entries(engines)) {
    if (Deno.args.length > 0 && !Deno.args.some((a) => name.startsWith(a))) continue;
    const outcome = await run().catch((error): Outcome => ({
      compared: 0,
      failures: [String(error)],
    }));
    const { compared, failures } = outcome;
    const fails = failures.length > 0 || compared === 0;
    console.log(
      `${fails ? "FAILED" : "ok"} | ${name}: ${compared} programs, ${failures.length} wrong`,
    );
    for (const f of failures) console.log(`  ${f}`);
    if (fails) Deno.exitCode = 1;
  }
});
