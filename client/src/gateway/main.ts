/** The process with the socket. */
import { runChild } from "../child-channel.ts";
import { runGateway } from "./gateway.ts";

runChild(runGateway);
