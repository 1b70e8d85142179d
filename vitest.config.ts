import { defineConfig } from "vitest/config";

const report = process.env.BPTA_TEST_REPORT;

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "examples/**/*.test.ts"],
    // Worker threads and native sessions are heavy; two processes fill the smallest machine we promise to run on.
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 180_000,
    ...(report && { reporters: ["default", ["json", { outputFile: report }]] as const }),
  },
});
