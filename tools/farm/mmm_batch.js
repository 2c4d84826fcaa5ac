// Flamenco job type: the rows of one table of MMM for Blender, some rows a task.
//
// Put this file into the folder `scripts` of the Flamenco Manager. Every worker needs a Blender with
// the extension installed and set up; {blender} is the Manager's variable for it, as in Flamenco's
// own job types. A task ends with 0 when all its rows are there, with 1 when some failed (the report
// names them, and running it again makes those alone), with 2 when it can't work at all.

const JOB_TYPE = {
    label: "MMM Batch",
    description: "Motions of a table, made by the extension MMM for Blender",
    settings: [
        { key: "table", type: "string", subtype: "file_path", required: true,
          description: "CSV file, a row a clip; all workers must see it" },
        { key: "out", type: "string", subtype: "dir_path", required: true,
          description: "Folder for the clips and the report; all workers must see it" },
        { key: "rows", type: "int32", required: true, default: 100,
          description: "How many rows the table has" },
        { key: "rows_per_task", type: "int32", default: 20,
          description: "How many of them one task makes" },
        { key: "format", type: "string", default: "blend",
          description: "Of blend, bvh, npz and recipe, with commas" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    if (settings.rows < 1 || settings.rows_per_task < 1) {
        throw new Error("rows and rows_per_task must be at least 1");
    }
    for (let first = 1; first <= settings.rows; first += settings.rows_per_task) {
        const last = Math.min(first + settings.rows_per_task - 1, settings.rows);
        const task = author.Task(`rows ${first} to ${last}`, "blender");
        task.addCommand(author.Command("exec", {
            exe: "{blender}",
            args: [
                "--command", "mmm_batch", settings.table,
                "--out", settings.out,
                "--format", settings.format,
                "--rows", `${first}:${last}`,
            ],
        }));
        job.addTask(task);
    }
}
