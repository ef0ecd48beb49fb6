using FsCheck;
using FsCheck.Fluent;

namespace Gristmill.Engine.Tests.Activations;

/// <summary>The rules of what may begin, held against random arrivals and endings.</summary>
public sealed class MailboxTests
{
    private enum Kind
    {
        Exclusive,
        ReadOnly,
        Interleaving,
    }

    [Fact]
    public void Mailbox_under_random_arrivals_and_ends_keeps_its_rules()
    {
        var steps = Gen.Choose(0, 5).ListOf().ToArbitrary();
        Prop.ForAll(steps, list => Run(list.ToList())).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    private static void Run(List<int> steps)
    {
        var mailbox = new Mailbox(reentrant: false);
        var running = new List<Item>();
        var begun = new List<Item>();
        var arrived = 0;
        foreach (var step in steps.Concat(Enumerable.Repeat(5, steps.Count)))
        {
            if (step < 3)
            {
                mailbox.Add(new Item((Kind)step, arrived++));
            }
            else if (running.Count > 0)
            {
                mailbox.End(running[0]);
                running.RemoveAt(0);
            }

            while (mailbox.TryBegin(out var item))
            {
                running.Add((Item)item);
                begun.Add((Item)item);
            }

            Assert.False(mailbox.MayBegin);
            Assert.Equal(running.Count, mailbox.Running);
            var blocking = running.Where(i => i.Kind != Kind.Interleaving).ToList();
            Assert.True(blocking.Count <= 1 || blocking.All(i => i.ReadOnly), "exclusive items run alone among themselves");
        }

        Assert.True(mailbox.IsIdle, "all that arrived has begun and ended");
        Assert.Equal(arrived, begun.Count);
        var ordered = begun.Where(i => i.Kind != Kind.Interleaving).Select(i => i.Number).ToList();
        Assert.Equal(ordered.Order(), ordered);
    }

    private sealed class Item(Kind kind, int number) : MailboxItem
    {
        public Kind Kind => kind;

        public int Number => number;

        public override bool Interleaves => kind == Kind.Interleaving;

        public override bool ReadOnly => kind == Kind.ReadOnly;

        public override bool CountsAsUse => true;

        public override Task RunAsync(Activation activation) => Task.CompletedTask;
    }
}
