// The older versions that the tests run on have the types of the newest one, or none of their own.
declare module "express-v4" {
  import express from "express";

  export default express;
}

declare module "router-v2.2" {
  import { Router } from "express";

  export default Router;
}
