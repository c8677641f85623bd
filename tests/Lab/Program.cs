using System.Runtime.InteropServices;
using HerokuMigrator.Lab;

using var stop = new CancellationTokenSource();
void RequestStop(PosixSignalContext context)
{
    // The servers have to be stopped first; the program ends by itself then.
    context.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, RequestStop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, RequestStop);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, RequestStop);
return await LabCommandLine.RunAsync(args, stop.Token);
