import vue from "@vitejs/plugin-vue";

export default {
  base: "./",
  plugins: [vue({ template: { compilerOptions: { isCustomElement: (tag) => tag === "live-captions" } } })],
  build: {
    chunkSizeWarningLimit: 2_000,
    rollupOptions: { input: ["eager", "lazy"].map((name) => `${import.meta.dirname}/${name}.ts`), output: { entryFileNames: "[name].js" } },
  },
};
