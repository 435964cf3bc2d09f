// LokiJS' adapter that writes a whole database at once. The demo uses the incremental one alone.
export default null;
