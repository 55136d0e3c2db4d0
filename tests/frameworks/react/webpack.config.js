export default {
  mode: "production",
  context: import.meta.dirname,
  entry: { eager: "./eager.ts", lazy: "./lazy.ts" },
  output: { filename: "[name].js", publicPath: "./" },
  resolve: { extensions: [".tsx", ".ts", ".js"] },
  module: { rules: [{ test: /\.tsx?$/, loader: "ts-loader", options: { onlyCompileBundledFiles: true } }] },
  performance: false,
};
