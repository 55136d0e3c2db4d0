import { createApp } from "vue";
import Meeting from "./app.vue";

createApp(Meeting).mount("#app");
