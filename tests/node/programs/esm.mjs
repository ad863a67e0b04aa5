export default "a module that was required";
