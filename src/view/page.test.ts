import { describe, expect, test } from "vitest";
import { renderPage } from "./page.ts";
import { footballData, pageData } from "./testing/page-data.ts";

const elements = (html: string, tag: string): string[] =>
  [...html.matchAll(new RegExp(`<${tag}\\b[^>]*>([\\s\\S]*?)</${tag}>`, "g"))].map(([, content]) => content);

describe("a page", () => {
  test("holds the data that it was made from, whatever names are in it", async () => {
    const data = { ...(await pageData("Hopper-3x1", 3)), env: '</script><script>alert("x")//<!--' };
    const html = await renderPage(data);
    const [json, ...scripts] = elements(html, "script");
    expect(JSON.parse(json)).toEqual(data);
    expect(scripts).toHaveLength(1);
    expect(elements(html, "title")).toEqual(["&lt;/script>&lt;script>alert(&quot;x&quot;)//&lt;!-- · bppo · bpta"]);
  });

  test("needs nothing else, and its policy allows nothing else", async () => {
    const html = await renderPage(await pageData("Hopper-3x1", 3));
    const markup = html.replace(/<(script|style)\b[^>]*>[\s\S]*?<\/\1>/g, "<$1></$1>");
    expect(markup).not.toMatch(/\b(src|href|action|poster)=/);
    expect(markup).not.toMatch(/https?:/);
    expect(elements(html, "style").join()).not.toMatch(/url\(|@import/);
    expect(html).toContain("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:");
  });

  test("is small: the player, and for each step and body 14 bytes", async () => {
    const [short, long] = await Promise.all(
      [10, 110].map(async (n) => renderPage(await pageData("HalfCheetah-6x1", n))),
    );
    expect(short.length).toBeLessThan(700_000);
    // 7 bodies × 14, the origin's 12, the reward's 4; in base64.
    expect((long.length - short.length) / 100).toBeLessThan(1.05 * (4 / 3) * (7 * 14 + 12 + 4));
  });

  test("carries the code of its own kind alone", async () => {
    const [battle, pitch] = await Promise.all([renderPage(await pageData("3m", 3)), renderPage(footballData())]);
    for (const html of [battle, pitch]) {
      expect(html.length).toBeLessThan(50_000);
      expect(html).not.toContain("WebGLRenderer");
    }
  });
});
